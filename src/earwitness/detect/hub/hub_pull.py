"""The files of a model's repository on the hub, with a manifest of their SHA-256; and pulling them, all or nothing.

    README.md            the model's page on the hub (`hub_push`)
    earwitness.json      the manifest: which file is the model, and size and SHA-256 of each file
    model.onnx           the model, with its card model.json; or model.ensemble
    model.safetensors    optional: a checkpoint for fine-tuning

The names are fixed, so that a repository cannot name a path. No file of another name is ever downloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError, model_validator

from earwitness.core.errors import ModelError
from earwitness.core.files.atomic import atomic_folder, remove_partial_files
from earwitness.core.files.lock import locked_folder
from earwitness.core.files.small_files import CARD_BYTES, read_bytes
from earwitness.core.schema import DocumentModel, first_problem
from earwitness.detect.hub.hub_cache import MODEL_NAMES, HubAddress, commit_folder, note_revision
from earwitness.detect.hub.hub_client import HubClient, Received
from earwitness.detect.model.card import ModelCard, file_sha256, parse_card
from earwitness.detect.model.ensemble_file import read_ensemble
from earwitness.detect.model.model_trial import try_model
from earwitness.encoders.onnx_session import MOST_BYTES, check_onnx

MANIFEST: Final = "earwitness.json"
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


@dataclass(frozen=True, slots=True)
class PulledModel:
    """A model on this machine.

    Attributes:
        address: its address.
        commit: the commit that the address meant when it was pulled.
        model: its files, checked.
        is_new: whether anything was downloaded.
    """

    address: HubAddress
    commit: str
    model: HubModel
    is_new: bool


def pull_hub(
    address: HubAddress,
    *,
    sha256: str | None = None,
    log: Callable[[str], None] = lambda line: None,
    progress: Received = lambda done, total: None,
    client: HubClient | None = None,
) -> PulledModel:
    """Download the model that an address means now; a commit that is here and intact is not downloaded again.

    Args:
        address: the model.
        sha256: the SHA-256 that the model's file must have, as its author published it; None: any.
        log: called with a line for each file.
        progress: called with the bytes of a file that have arrived, and their number.
        client: of the hub; by default the public one, or that of $HF_ENDPOINT.

    Raises:
        HubError: the hub cannot be reached, or refuses.
        ModelError: it is no earwitness model, or a file is damaged.
        EncodingError: the cache cannot be written.
        InUseError: another program is pulling this model.
    """
    client = client or HubClient()
    commit = client.commit_of(address)
    folder = commit_folder(address, commit)
    model = _intact(folder, address)
    is_new = model is None
    if model is None:
        _install(client, address, commit, sha256, log, progress)
        model = check_hub_folder(folder, read_manifest(folder), str(address))
    _check_digest(model.sha256, sha256, address)
    note_revision(address, commit)
    return PulledModel(address, commit, model, is_new)


def check_pulled(folder: Path, address: HubAddress) -> HubModel:
    """Check the files of a pulled model.

    Raises:
        ModelError: a file is missing or damaged.
    """
    return check_hub_folder(folder, read_manifest(folder), str(address))


def _intact(folder: Path, address: HubAddress) -> HubModel | None:
    try:
        return check_pulled(folder, address) if folder.is_dir() else None
    except ModelError:  # damaged on this machine: it is replaced
        return None


def _install(
    client: HubClient,
    address: HubAddress,
    commit: str,
    sha256: str | None,
    log: Callable[[str], None],
    progress: Received,
) -> None:
    text = client.read(address, commit, MANIFEST, CARD_BYTES)
    manifest = parse_manifest(text, str(address))
    _check_digest(manifest.files[manifest.model].sha256, sha256, address)  # before megabytes are downloaded
    folder = commit_folder(address, commit)
    if folder.parent.is_dir():
        remove_partial_files(folder.parent)
    with locked_folder(folder.parent, "earwitness models pull"), atomic_folder(folder) as temporary:
        (temporary / MANIFEST).write_bytes(text)
        for name, file in manifest.files.items():
            log(f"downloading {name} ({file.size / 1e6:.1f} MB) from {address}, commit {commit[:12]}")
            client.download(address, commit, (name, file.size), temporary / name, progress)
        check_hub_folder(temporary, manifest, str(address))


def _check_digest(found: str, expected: str | None, address: HubAddress) -> None:
    if expected is not None and found != expected.strip().lower():
        raise ModelError(f"{address}: the model's SHA-256 is {found}, not the one given; it is another model")
