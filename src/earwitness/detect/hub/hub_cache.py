"""Models that were pulled from the hub: where they lie, and which revision is which commit.

    hub-models/OWNER--NAME/revisions.json       {"main": COMMIT, ...}
    hub-models/OWNER--NAME/COMMIT/model.onnx    with the other files of that commit

A commit's files never change, so that a pinned address keeps its meaning. Nothing here uses the network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from earwitness.core.errors import ModelError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.cache import cache_folder
from earwitness.core.files.small_files import CARD_BYTES, read_json
from earwitness.detect.hub.hub_address import COMMIT, HubAddress

MODEL_NAMES: Final = ("model.onnx", "model.ensemble")
"""Names of the model in a repository; a repository holds one of them."""
SHORTEST_COMMIT: Final = 7
_REVISIONS: Final = "revisions.json"


def pulled_folder(address: HubAddress) -> Path:
    """Folder of the commit that an address means here, as of the last pull.

    Raises:
        ModelError: it was not pulled (the message gives the command), or several commits begin with this revision.
    """
    folder = _repo_folder(address)
    commit = read_revisions(address).get(address.revision, address.revision)
    if (found := folder / commit).is_dir() and COMMIT.fullmatch(commit):
        return found
    if len(commit) >= SHORTEST_COMMIT and all(character in "0123456789abcdef" for character in commit):
        matches = [path for path in _commits(folder) if path.name.startswith(commit)]
        if len(matches) > 1:
            raise ModelError(f"{address}: several commits begin with '{commit}'; give the whole hash")
        if matches:
            return matches[0]
    raise ModelError(f"{address} is not on this machine; run: earwitness models pull {address}")


def pulled_model(address: HubAddress) -> Path:
    """The model file of a pulled address.

    Raises:
        ModelError: it was not pulled, or its folder holds no model.
    """
    folder = pulled_folder(address)
    for name in MODEL_NAMES:
        if (folder / name).is_file():
            return folder / name
    raise ModelError(f"{folder}: holds no model any more; run: earwitness models pull {address}")


def commit_folder(address: HubAddress, commit: str) -> Path:
    """Folder for the files of a commit; it need not exist."""
    return _repo_folder(address) / commit


def pulled_addresses() -> Iterator[tuple[HubAddress, str]]:
    """All addresses that were pulled, with their commits, in order of their names."""
    top = cache_folder("hub-models")
    for folder in sorted(top.iterdir()) if top.is_dir() else []:
        address = HubAddress(folder.name.replace("--", "/", 1))
        revisions = read_revisions(address)
        for revision, commit in sorted(revisions.items()):
            if (folder / commit).is_dir():
                yield HubAddress(address.repo, revision), commit


def read_revisions(address: HubAddress) -> dict[str, str]:
    """The commit of each revision that was pulled; empty if there is none.

    Raises:
        ModelError: the record is damaged.
    """
    path = _repo_folder(address) / _REVISIONS
    if not path.is_file():
        return {}
    values = read_json(path, CARD_BYTES, ModelError)
    if not isinstance(values, dict) or not all(COMMIT.fullmatch(str(commit)) for commit in values.values()):
        raise ModelError(f"{path}: damaged; delete it and pull the model again")
    return {str(revision): str(commit) for revision, commit in values.items()}


def note_revision(address: HubAddress, commit: str) -> None:
    """Record which commit an address means now.

    Raises:
        EncodingError: it cannot be written.
    """
    revisions = read_revisions(address) | {address.revision: commit}
    with atomic_file(_repo_folder(address) / _REVISIONS) as temporary:
        temporary.write_text(json.dumps(revisions, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _repo_folder(address: HubAddress) -> Path:
    return cache_folder("hub-models") / address.folder_name


def _commits(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if COMMIT.fullmatch(path.name)] if folder.is_dir() else []
