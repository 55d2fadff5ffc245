"""The files of a repository of the hub that holds a model, with a manifest of their SHA-256.

    README.md            the model's page on the hub (`hub_page`)
    earwitness.json      this manifest: which file is the model, and size and SHA-256 of each file
    model.onnx           the model, with its card model.json; or model.ensemble
    model.safetensors    optional: a checkpoint for fine-tuning

The names are fixed, so that a repository cannot name a path. No file of another name is ever downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import copyfile
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError, model_validator

from earwitness.core.errors import ModelError, UsageError
from earwitness.core.files.atomic import atomic_file, atomic_folder
from earwitness.core.files.small_files import CARD_BYTES, open_regular, read_bytes
from earwitness.core.schema import DocumentModel, first_problem
from earwitness.detect.hub.hub_address import HubAddress
from earwitness.detect.hub.hub_cache import MODEL_NAMES
from earwitness.detect.hub.hub_page import PageFacts, page
from earwitness.detect.model.card import ModelCard, card_path, file_sha256, parse_card
from earwitness.detect.model.ensemble_file import SUFFIX, read_ensemble
from earwitness.detect.model.model_files import find_model
from earwitness.detect.model.model_trial import try_model
from earwitness.encoders.onnx_session import MOST_BYTES, check_onnx

MANIFEST: Final = "earwitness.json"
PAGE: Final = "README.md"
CARD: Final = "model.json"
CHECKPOINT: Final = "model.safetensors"
LIMITS: Final = {"model.onnx": MOST_BYTES, "model.ensemble": 2 * MOST_BYTES, CARD: CARD_BYTES, CHECKPOINT: 2**32}
"""The files that a repository may hold, and the largest size of each, bytes."""


class HubFile(DocumentModel):
    """A file of the repository."""

    size: int = Field(gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class HubManifest(DocumentModel):
    """What the repository holds.

    Attributes:
        format: version of this file.
        name: name of the model, from its card.
        model: file name of the model.
        files: size and SHA-256 of each file.
    """

    format: Literal[1] = 1
    name: str = Field(min_length=1, max_length=1000)
    model: Literal["model.onnx", "model.ensemble"]
    files: Annotated[dict[str, HubFile], Field(max_length=len(LIMITS))]

    @model_validator(mode="after")
    def _known_files(self) -> HubManifest:
        needed = {self.model, CARD} if self.model == "model.onnx" else {self.model}
        if missing := sorted(needed - self.files.keys()):
            raise ValueError(f"files lacks {missing[0]}")
        for name, file in self.files.items():
            if name not in needed | {CHECKPOINT}:
                raise ValueError("files names a file that does not belong to a model")
            if file.size > LIMITS[name]:
                raise ValueError(f"{name} has more than {LIMITS[name]:,} bytes")
        return self


@dataclass(frozen=True, slots=True)
class HubModel:
    """A checked model.

    Attributes:
        card: its card.
        model: its file.
        sha256: SHA-256 of that file.
        checkpoint: checkpoint for fine-tuning, if there is one.
    """

    card: ModelCard
    model: Path
    sha256: str
    checkpoint: Path | None = None


def write_hub_folder(
    folder: Path, model: str | Path, address: HubAddress | None = None, checkpoint: Path | None = None
) -> HubManifest:
    """Write everything that a repository of the hub needs, and check it.

    Args:
        folder: an empty folder.
        model: a shipped model, an .onnx file with its card, or an .ensemble file.
        address: where it will be found; None: not known yet.
        checkpoint: checkpoint of the same model (.safetensors), for fine-tuning.

    Raises:
        ModelError: a file is missing, or not usable.
        UsageError: the checkpoint is no .safetensors file.
        EncodingError: the folder cannot be written.
    """
    source = Path(model)
    if source.suffix == SUFFIX:
        card, files = read_ensemble(source).card, {MODEL_NAMES[1]: source}
    else:
        found = find_model(model)
        card, files = found.card, {MODEL_NAMES[0]: found.path, CARD: card_path(found.path)}
    if checkpoint is not None:
        if checkpoint.suffix != ".safetensors":
            raise UsageError(f"--checkpoint {checkpoint}: must be a .safetensors file of a training run")
        files[CHECKPOINT] = checkpoint
    for name, path in files.items():
        with open_regular(path, ModelError):  # a pipe or a device is refused
            pass
        with atomic_file(folder / name) as temporary:
            copyfile(path, temporary)
    described = {name: _described(folder / name) for name in files}
    manifest = HubManifest(name=card.name, model=next(iter(files)), files=described)
    check_hub_folder(folder, manifest)
    sizes = {name: (file.size, file.sha256) for name, file in manifest.files.items()}
    text = page(PageFacts(card, manifest.model, sizes, address))
    for name, content in ((PAGE, text), (MANIFEST, manifest.model_dump_json(indent=1) + "\n")):
        with atomic_file(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8", newline="\n")
    return manifest


def save_hub_folder(
    out: Path, model: str | Path, address: HubAddress | None = None, checkpoint: Path | None = None
) -> HubManifest:
    """Write the files of a repository into the folder `out`, which must not hold other files; for upload by any tool.

    Raises:
        ModelError, UsageError, EncodingError: as `write_hub_folder`, or the folder is not empty.
    """
    known = {*LIMITS, MANIFEST, PAGE}
    if out.exists() and (not out.is_dir() or any(path.name not in known for path in out.iterdir())):
        raise ModelError(f"{out}: holds other files; name a new folder")
    with atomic_folder(out) as temporary:
        return write_hub_folder(temporary, model, address, checkpoint)


def parse_manifest(text: bytes, where: str) -> HubManifest:
    """Parse a manifest.

    Raises:
        ModelError: not a manifest; the message begins with `where`.
    """
    try:
        return HubManifest.model_validate_json(text)
    except ValidationError as error:
        raise ModelError(f"{where}: {MANIFEST} is not that of an earwitness model: {first_problem(error)}") from None


def read_manifest(folder: Path) -> HubManifest:
    """The manifest of a folder.

    Raises:
        ModelError: missing or damaged.
    """
    return parse_manifest(read_bytes(folder / MANIFEST, CARD_BYTES, ModelError), str(folder))


def check_hub_folder(folder: Path, manifest: HubManifest, where: str | None = None) -> HubModel:
    """Check all files: sizes, SHA-256, the card, and that each network is one file, of standard operators, and runs.

    Args:
        folder: the files.
        manifest: their manifest.
        where: how messages name the model; by default its path.

    Raises:
        ModelError: a file is damaged, or does not belong to the others, or the model cannot be used.
    """
    for name, file in manifest.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != file.size or file_sha256(path) != file.sha256:
            raise ModelError(
                f"{where or path}: {name} is damaged: its SHA-256 is not that of {MANIFEST}; pull it again"
            )
    model = folder / manifest.model
    shown = f"{where or folder}: {manifest.model}"
    if manifest.model == MODEL_NAMES[0]:
        card = parse_card(read_bytes(folder / CARD, CARD_BYTES, ModelError), f"{where or folder}: {CARD}")
        contents = read_bytes(model, MOST_BYTES, ModelError)
        card.check_digest(sha256(contents).hexdigest(), shown)
        _check_network(contents, card, shown)
    else:
        packed = read_ensemble(model)
        card = packed.card
        for number, member in enumerate(packed.members):
            _check_network(member.contents, member.card, f"{shown}: member {number}")
    checkpoint = folder / CHECKPOINT
    return HubModel(card, model, manifest.files[manifest.model].sha256, checkpoint if checkpoint.is_file() else None)


def _check_network(contents: bytes, card: ModelCard, where: str) -> None:
    check_onnx(contents, where, ModelError)
    try_model(contents, card, where)


def _described(path: Path) -> HubFile:
    return HubFile(size=path.stat().st_size, sha256=file_sha256(path))
