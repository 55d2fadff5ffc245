"""The embedding store of a data set: tokens of each clip, in a folder of the data set.

    DIR/embeddings/<encoder>-<key>/store.json        encoder, weights, settings and picture rate
    DIR/embeddings/<encoder>-<key>/run*.bin, .jsonl  see `token_parts`

The key is a hash of everything except the clips that affects the tokens, so that tokens of different weights or
settings are never mixed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from earwitness.core.errors import EncoderError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import CARD_BYTES, read_bytes
from earwitness.core.schema import PlainValues, StrictModel, first_problem
from earwitness.encoders.protocol import Modality, PictureEncoder, SoundEncoder, TokenMap
from earwitness.encoders.store.token_parts import Record, map_at, read_records

FOLDER: Final = "embeddings"
_DESCRIPTION: Final = "store.json"


class StoreDescription(StrictModel):
    """Everything except the clips that affects the tokens of a store.

    Attributes:
        encoder: name of the encoder.
        modality: whether sound or pictures were encoded.
        dim: dimension of a token.
        fingerprint: identifies weights, settings and method.
        settings: settings of the encoder, for human readers.
        rate: pictures per second; None for sound.
        horizontal_fov_deg: field of view of the pictures; None for sound.
        version: version of the file format.
    """

    encoder: str = Field(pattern=r"^[A-Za-z0-9._-]+$", max_length=100)
    modality: Modality
    dim: int = Field(ge=1, le=65_536)
    fingerprint: str = Field(max_length=100)
    settings: PlainValues
    rate: float | None = Field(None, gt=0, le=1000)
    horizontal_fov_deg: float | None = Field(None, gt=0, lt=180)
    version: int = Field(1, ge=1)

    @classmethod
    def of(
        cls, encoder: SoundEncoder | PictureEncoder, rate: float | None, horizontal_fov_deg: float | None
    ) -> StoreDescription:
        """Describe the output of `encoder`; rate and field of view are ignored for sound."""
        pictures = encoder.modality == "picture"
        return cls(
            encoder=encoder.name, modality=encoder.modality, dim=encoder.dim, fingerprint=encoder.fingerprint,
            settings=encoder.settings.model_dump(mode="json"),
            rate=rate if pictures else None, horizontal_fov_deg=horizontal_fov_deg if pictures else None,
        )  # fmt: skip

    @property
    def folder_name(self) -> str:
        """Name of the store's folder."""
        fixed = self.model_dump(mode="json", exclude={"settings"})
        key = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()[:12]
        return f"{self.encoder}-{key}"

    def __str__(self) -> str:
        parts = [f"{name}={value}" for name, value in self.settings.items()]
        parts += [f"rate={self.rate:g}", f"fov={self.horizontal_fov_deg:g}"] if self.rate is not None else []
        return f"{self.encoder} [{self.fingerprint}] {', '.join(parts)}"


@dataclass(slots=True)
class EmbeddingStore:
    """Memory-mapped token maps by clip id; picklable, since worker processes open the files again.

    Attributes:
        folder: folder of the store.
        description: encoder, weights and settings.
        records: location of each token map, by (clip id, swapped).
    """

    folder: Path
    description: StoreDescription
    records: dict[tuple[str, bool], Record]
    _data: dict[str, NDArray[np.uint8]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def open(
        cls,
        root: Path | str,
        encoder: str,
        *,
        fingerprint: str | None = None,
        rate: float | None = None,
    ) -> EmbeddingStore:
        """Open the embeddings that `earwitness dataset embed` made of a data set.

        Args:
            root: folder of the data set, or the folder that holds its embeddings.
            encoder: name of the encoder.
            fingerprint: selects weights and settings if there are several; a checkpoint stores the one it was trained
                with.
            rate: selects the pictures per second if there are several.

        Raises:
            EncoderError: no store of this encoder matches, or several do.
        """
        root = Path(root)
        there = [store for store in list_stores(root) if store[1].encoder == encoder]
        command = f"earwitness dataset embed {root} --encoder {encoder}"
        if not there:
            raise EncoderError(f"{root}: has no embeddings of '{encoder}'; run: {command}")
        fitting = [
            (folder, found) for folder, found in there
            if fingerprint in (None, found.fingerprint) and rate in (None, found.rate)
        ]  # fmt: skip
        if not fitting:
            wanted = " and ".join(
                text for text in (fingerprint and f"fingerprint {fingerprint}", rate and f"rate {rate:g}") if text
            )
            raise EncoderError(
                f"{root}: its embeddings of '{encoder}' were made with other weights or settings than wanted "
                f"({wanted}): {'; '.join(str(found) for _, found in there)}. Make them with: {command} "
                f"(--weights {encoder}=FOLDER for weights of your own)"
            )
        if len(fitting) > 1:
            raise EncoderError(
                f"{root}: has several embeddings of '{encoder}'; choose one by fingerprint and rate (in a recipe, "
                "data.tokens.NAME.fingerprint): "
                f"{'; '.join(str(found) for _, found in fitting)}"
            )
        return cls.at(*fitting[0])

    @classmethod
    def at(cls, folder: Path, description: StoreDescription) -> EmbeddingStore:
        """Open the store in `folder` with the records it has so far."""
        records = {(record.clip, record.swapped): record for record in read_records(folder)}
        return cls(folder, description, records)

    def __len__(self) -> int:
        """Number of clips, without swapped versions."""
        return sum(not swapped for _, swapped in self.records)

    @property
    def clips(self) -> tuple[str, ...]:
        """Ids of the clips, sorted."""
        return tuple(sorted(clip for clip, swapped in self.records if not swapped))

    def has(self, clip_id: str, swapped: bool = False) -> bool:
        """Whether `get` can return the clip."""
        return (clip_id, self._kept(swapped)) in self.records

    def get(self, clip_id: str, swapped: bool = False) -> TokenMap:
        """The token map of a clip, float16, memory-mapped.

        Args:
            clip_id: split and name within the data set, as "dev-train-synth/fold1_room001_mix001_deg000_start0000".
            swapped: swap left and right: sound has the same tokens at mirrored positions, pictures have the tokens of
                the mirrored pictures.

        Raises:
            EncoderError: the store does not have it.
        """
        record = self.records.get((clip_id, self._kept(swapped)))
        if record is None:
            swap = " --swap" if swapped and self.has(clip_id) else ""
            raise EncoderError(
                f"{self.folder}: has no {'mirrored ' if swap else ''}embeddings of '{clip_id}'; "
                f"run: earwitness dataset embed {self.folder.parent.parent} --encoder {self.description.encoder}{swap}"
            )
        tokens = map_at(self._bytes(record.part), record, self.description.modality)
        return tokens.mirrored() if swapped and self.description.modality == "sound" else tokens

    def _kept(self, swapped: bool) -> bool:
        """Whether the swapped tokens are stored separately; not for sound, see `TokenMap.mirrored`."""
        return swapped and self.description.modality == "picture"

    def _bytes(self, part: str) -> NDArray[np.uint8]:
        if part not in self._data:
            path = self.folder / f"{part}.bin"
            try:
                self._data[part] = np.memmap(path, dtype=np.uint8, mode="r")
            except (OSError, ValueError) as error:
                raise EncoderError(f"{path}: cannot be read ({error}); delete the folder and embed again") from error
        return self._data[part]

    def __getstate__(self) -> tuple[Path, StoreDescription, dict[tuple[str, bool], Record]]:
        return self.folder, self.description, self.records

    def __setstate__(self, state: tuple[Path, StoreDescription, dict[tuple[str, bool], Record]]) -> None:
        self.folder, self.description, self.records = state
        self._data = {}


def store_root(root: Path | str) -> Path:
    """The folder that holds the embeddings of a data set; `root` itself if it is such a folder."""
    root = Path(root)
    return root if root.name == FOLDER else root / FOLDER


def list_stores(root: Path | str) -> list[tuple[Path, StoreDescription]]:
    """The stores of a data set, sorted by name.

    Raises:
        EncoderError: a description is damaged.
    """
    paths: Iterable[Path] = sorted(store_root(root).glob(f"*/{_DESCRIPTION}"))
    return [(path.parent, _read_description(path)) for path in paths]


def create_store(root: Path | str, description: StoreDescription) -> Path:
    """The folder of the store with this description; created if it does not exist.

    Raises:
        EncodingError: it cannot be written.
        EncoderError: it exists with another description.
    """
    folder = store_root(root) / description.folder_name
    path = folder / _DESCRIPTION
    if path.is_file():
        if _read_description(path) != description:
            raise EncoderError(f"{folder}: was made with settings that its name does not match; delete it")
        return folder
    with atomic_file(path) as temporary:
        temporary.write_text(description.model_dump_json(indent=1), encoding="utf-8")
    return folder


def _read_description(path: Path) -> StoreDescription:
    try:
        return StoreDescription.model_validate_json(read_bytes(path, CARD_BYTES, EncoderError))
    except ValidationError as error:
        raise EncoderError(
            f"{path}: damaged, or of another version of earwitness ({first_problem(error)}); delete its folder"
        ) from None
