"""Pulling a model from the hub: its files are downloaded, checked, and installed together or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from earwitness.core.errors import ModelError
from earwitness.core.files.atomic import atomic_folder, remove_partial_files
from earwitness.core.files.lock import locked_folder
from earwitness.core.files.small_files import CARD_BYTES
from earwitness.detect.hub.hub_address import HubAddress
from earwitness.detect.hub.hub_cache import commit_folder, note_revision
from earwitness.detect.hub.hub_client import HubClient, Received
from earwitness.detect.hub.hub_folder import MANIFEST, HubModel, check_hub_folder, parse_manifest, read_manifest


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
