"""A benchmark set: clips to hand out, their description with the commitment, and the secret part.

OUT/set/benchmark.json            the description, to publish at once
OUT/set/stereo_eval/eval/*.wav    the clips, to hand out; with video_eval/eval/*.mp4
OUT/set/CREDITS.csv               the sounds of the bank, with their licences
OUT/secret/secret.json            seed and nonce
OUT/secret/clips/                 the rendered set with labels and recipes
OUT/revealed.json                 when the set was scored first, and so the seed published

The commitment, a hash that is published with the set, fixes its seed, its labels and its settings: it is the SHA-256 of
a canonical JSON text of the description and the secret. The secret holds a random number (nonce), so that the seed
cannot be found by trying seeds. Whoever knows the secret can check the commitment, and render the same set again from
the same bank.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from secrets import randbits, token_hex
from typing import Any, Final, Literal, TypeVar

from pydantic import Field, ValidationError

from earwitness.core.errors import BenchmarkError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import CARD_BYTES, read_bytes
from earwitness.core.schema import StrictModel, first_problem
from earwitness.core.version import __version__
from earwitness.scenes.writing.scene_clips import SPLIT

Model = TypeVar("Model", bound=StrictModel)
HEX: Final = r"^[0-9a-f]{64}$"
SEED_BITS: Final = 128
"""Bits of a random seed; a seed of fewer than `FEW_BITS` can be found by rendering a set for each."""
FEW_BITS: Final = 64
DESCRIPTION: Final = Path("set/benchmark.json")
CREDITS: Final = Path("set/CREDITS.csv")
SECRET: Final = Path("secret/secret.json")
RENDERED: Final = Path("secret/clips")
LABELS: Final = RENDERED / "metadata_dev" / SPLIT
REVEALED: Final = Path("revealed.json")
SOUND: Final = Path("set/stereo_eval/eval")
PICTURES: Final = Path("set/video_eval/eval")
NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"


class Secret(StrictModel):
    """What a maker keeps until the set is scored.

    Attributes:
        seed: decimal digits of the seed, from which scenes and rooms follow.
        nonce: random hexadecimal digits.
        labels_sha256: digest of all label files.
    """

    seed: str = Field(pattern=r"^[0-9]{1,80}$")
    nonce: str = Field(pattern=r"^[0-9a-f]{32,128}$")
    labels_sha256: str = Field(pattern=HEX)

    @property
    def can_be_guessed(self) -> bool:
        """Whether trying all seeds up to this one is feasible for somebody with the bank."""
        return int(self.seed).bit_length() < FEW_BITS


def new_seed() -> int:
    """A random seed."""
    return randbits(SEED_BITS)


def new_nonce() -> str:
    """Random digits for a secret."""
    return token_hex(32)


def commitment_of(described: Mapping[str, Any], secret: Secret) -> str:
    """The commitment of a set.

    Args:
        described: everything that is published about it, without the commitment, as plain values.
        secret: what is not.
    """
    text = json.dumps({"set": described, "secret": secret.model_dump()}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def files_sha256(folder: Path, names: Iterable[str]) -> str:
    """A digest of files: of the lines "SHA-256 name", sorted.

    Raises:
        BenchmarkError: a file is missing.
    """
    lines = []
    for name in sorted(names):
        try:
            with (folder / name).open("rb") as file:
                lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()} {name}\n")
        except OSError as error:
            raise BenchmarkError(f"{folder / name}: cannot be read ({error.strerror or error})") from None
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def read_model(kind: type[Model], path: Path, what: str) -> Model:
    """Read a JSON file.

    Raises:
        BenchmarkError: missing, or not of this kind (the message names the key).
    """
    try:
        return kind.model_validate_json(read_bytes(path, CARD_BYTES, BenchmarkError))
    except ValidationError as error:
        raise BenchmarkError(f"{path}: not {what}: {first_problem(error)}") from None


def write_model(model: StrictModel, path: Path) -> None:
    """Write a JSON file.

    Raises:
        EncodingError: it cannot be written.
    """
    with atomic_file(path) as temporary:
        temporary.write_text(model.model_dump_json(indent=1) + "\n", encoding="utf-8")


class SceneSettings(StrictModel):
    """How the scenes of a set are drawn; with the secret and the bank they give the same set again.

    Attributes:
        split: split of the bank; None: all sounds.
        seconds: length of a clip.
        rooms: number of simulated rooms, made for this set.
        preset, microphone, elevation_deg: as for `earwitness synthesize`.
        video: whether there are pictures.
    """

    split: str | None = Field(None, max_length=100)
    seconds: float = Field(5.0, ge=1, le=600)
    rooms: int = Field(20, ge=1, le=1000)
    preset: str | None = Field(None, max_length=100)
    microphone: str | None = Field(None, max_length=100)
    elevation_deg: float | None = Field(None, ge=1, le=90)
    video: bool = False


class Revealed(StrictModel):
    """When the seed of a set was published.

    Attributes:
        at: time of the first scoring, UTC.
        secret: the seed and the nonce.
    """

    at: datetime
    secret: Secret


class SetDescription(StrictModel):
    """Everything that is published about a set.

    Attributes:
        format: version of this file.
        name: name of the set.
        made: day on which it was made.
        version: version of earwitness.
        bank: name of the sound bank.
        bank_sounds, bank_sha256: number of its sounds, and a digest of their classes, names and sizes.
        classes: slugs of the classes, in the order of the indices in label files.
        clips: number of clips.
        clips_sha256: digest of all files that are handed out.
        settings: how the scenes are drawn.
        protocol: how it is scored.
        commitment: fixes all of this, and the secret.
    """

    format: Literal[1] = 1
    name: str = Field(pattern=NAME)
    made: date
    version: str = Field(__version__, max_length=100)
    bank: str = Field(min_length=1, max_length=200)
    bank_sounds: int = Field(ge=1)
    bank_sha256: str = Field(pattern=HEX)
    classes: tuple[str, ...] = Field(min_length=1, max_length=10_000)
    clips: int = Field(ge=1, le=1_000_000)
    clips_sha256: str = Field(pattern=HEX)
    settings: SceneSettings = SceneSettings()
    protocol: Literal["strict"] = "strict"
    commitment: str = Field("", pattern=r"^([0-9a-f]{64})?$")

    def committed(self, secret: Secret) -> str:
        """The commitment that belongs to this description and a secret."""
        return commitment_of(self.model_dump(mode="json", exclude={"commitment"}), secret)

    def check(self, secret: Secret, where: str) -> None:
        """Check that the commitment belongs to the secret.

        Raises:
            BenchmarkError: it does not; the message begins with `where`.
        """
        if self.commitment != self.committed(secret):
            raise BenchmarkError(
                f"{where}: the commitment is not that of this seed, these labels and these settings; one of them was "
                "changed after the set was made"
            )


def read_description(folder: Path) -> SetDescription:
    """The description of a set in `folder`, its "set" folder, or a file.

    Raises:
        BenchmarkError: there is none.
    """
    candidates = [folder] if folder.is_file() else [folder / DESCRIPTION, folder / DESCRIPTION.name]
    for path in candidates:
        if path.is_file():
            return read_model(SetDescription, path, "the description of a benchmark set")
    raise BenchmarkError(f"{folder}: no benchmark set; `earwitness benchmark make` makes one")


def handed_out(folder: Path) -> list[str]:
    """Names of the files in `folder`/set that are handed out, without the description."""
    top = folder / "set"
    found = [path.relative_to(top).as_posix() for part in (SOUND, PICTURES) for path in (folder / part).glob("*.*")]
    return sorted(found)


def check_set(folder: Path, description: SetDescription, secret: Secret) -> None:
    """Check clips, labels and commitment of a set.

    Raises:
        BenchmarkError: something was changed since it was made.
    """
    description.check(secret, str(folder))
    labels = [path.name for path in (folder / LABELS).glob("*.csv")]
    if files_sha256(folder / LABELS, labels) != secret.labels_sha256:
        raise BenchmarkError(f"{folder / LABELS}: the labels are not those that the commitment was made for")
    if files_sha256(folder / "set", handed_out(folder)) != description.clips_sha256:
        raise BenchmarkError(f"{folder / 'set'}: the clips are not those that the commitment was made for")
