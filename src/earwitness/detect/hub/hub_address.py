"""Addresses of models on the Hugging Face hub: `hf:USER/NAME`, or `hf:USER/NAME@REVISION`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from earwitness.core.errors import UsageError, shortened

PREFIX: Final = "hf:"
DEFAULT_REVISION: Final = "main"
_PART: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
_REPO: Final = re.compile(f"{_PART}/{_PART}")
_REVISION: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,198}[A-Za-z0-9_-])?")
COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""A whole commit hash: SHA-1, or SHA-256 in newer repositories."""


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
