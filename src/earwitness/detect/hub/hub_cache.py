"""Addresses of models on the Hugging Face hub, and the models that were pulled from it.

An address is `hf:USER/NAME`, or `hf:USER/NAME@REVISION`. Pulled models lie in the cache:

    hub-models/OWNER--NAME/revisions.json       {"main": COMMIT, ...}
    hub-models/OWNER--NAME/COMMIT/model.onnx    with the other files of that commit

A commit's files never change, so that a pinned address keeps its meaning. Nothing here uses the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from earwitness.core.errors import ModelError, UsageError, shortened
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.cache import cache_folder
from earwitness.core.files.small_files import CARD_BYTES, read_json

PREFIX: Final = "hf:"
DEFAULT_REVISION: Final = "main"
_PART: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
_REPO: Final = re.compile(f"{_PART}/{_PART}")
_REVISION: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,198}[A-Za-z0-9_-])?")
COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""A whole commit hash: SHA-1, or SHA-256 in newer repositories."""
MODEL_NAMES: Final = ("model.onnx", "model.ensemble")
"""Names of the model in a repository; a repository holds one of them."""
SHORTEST_COMMIT: Final = 7
_REVISIONS: Final = "revisions.json"


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A repository of the hub, at one revision.

    Attributes:
        repo: "owner/name".
        revision: branch, tag or commit hash.
    """

    repo: str
    revision: str = DEFAULT_REVISION

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an address.

        Raises:
            UsageError: it has another form.
        """
        repo, at, revision = text.removeprefix(PREFIX).partition("@")
        odd = ("..", "--") if _REPO.fullmatch(repo) else ("",)
        if not text.startswith(PREFIX) or any(part in repo for part in odd) or repo.endswith(".git"):
            raise UsageError(f"'{shortened(text, 100)}': an address on the hub is {PREFIX}USER/NAME, or with @REVISION")
        if at and (not _REVISION.fullmatch(revision) or ".." in revision or "//" in revision):
            raise UsageError(f"'{shortened(text, 100)}': the revision after @ must be a branch, a tag or a commit hash")
        return cls(repo, revision or DEFAULT_REVISION)

    def __str__(self) -> str:
        """The address as users give it."""
        return PREFIX + self.repo + ("" if self.revision == DEFAULT_REVISION else f"@{self.revision}")

    @property
    def is_commit(self) -> bool:
        """Whether the revision is a whole commit hash, which always means the same files."""
        return COMMIT.fullmatch(self.revision) is not None

    @property
    def folder_name(self) -> str:
        """A file name for the repository; "--" cannot occur in the name of one."""
        return self.repo.replace("/", "--")


def is_hub_address(text: object) -> bool:
    """Whether a model's name is an address on the hub."""
    return str(text).startswith(PREFIX)


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
