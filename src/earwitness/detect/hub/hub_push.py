"""Pushing a trained model to the hub, with the library `huggingface_hub`: one commit with everything, or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from earwitness.core.errors import EarwitnessError, HubError, MissingExtraError, UsageError, first_line
from earwitness.detect.hub.hub_address import DEFAULT_REVISION, HubAddress
from earwitness.detect.hub.hub_client import endpoint, hub_token
from earwitness.detect.hub.hub_folder import MANIFEST, PAGE, write_hub_folder


@dataclass(frozen=True, slots=True)
class Pushed:
    """A commit on the hub.

    Attributes:
        address: the model, pinned to the commit.
        url: page of the commit.
    """

    address: HubAddress
    url: str


def push_hub(
    model: str | Path, address: HubAddress, *, checkpoint: Path | None = None, private: bool = False,
    message: str | None = None,
) -> Pushed:  # fmt: skip
    """Upload a model with its card and its page; the repository is created if it does not exist.

    Args:
        model: a shipped model, an .onnx file with its card, or an .ensemble file.
        address: repository, and branch.
        checkpoint: checkpoint for fine-tuning (.safetensors).
        private: whether a new repository is private.
        message: commit message.

    Raises:
        MissingExtraError: `huggingface_hub` is not installed.
        ModelError: the model cannot be used.
        UsageError: the address is a commit, or there is no token.
        HubError: the hub cannot be reached, refuses, or the repository holds something else.
    """
    try:
        from huggingface_hub import HfApi
    except ModuleNotFoundError as error:
        raise MissingExtraError("pushing to the hub", "hub") from error
    if address.is_commit:
        raise UsageError(f"{address}: a commit cannot be changed; push to a branch, or without @REVISION")
    token = hub_token()
    if token is None:
        raise UsageError("pushing needs a token of the hub that may write: set HF_TOKEN, or run `hf auth login`")
    api = HfApi(endpoint=endpoint(), token=token)
    with TemporaryDirectory(prefix="earwitness-push-") as made:
        manifest = write_hub_folder(Path(made), model, address, checkpoint)  # a model that is not usable ends here
        with _told(address, api.endpoint):
            api.create_repo(address.repo, private=private or None, exist_ok=True)
            if address.revision != DEFAULT_REVISION:
                api.create_branch(address.repo, branch=address.revision, exist_ok=True)
            _refuse_foreign(set(api.list_repo_files(address.repo, revision=address.revision)), address)
            commit: Any = api.upload_folder(
                repo_id=address.repo,
                folder_path=made,
                revision=address.revision,
                commit_message=message or f"{manifest.name}: model, card and page",
                delete_patterns=["model.*"],  # what an earlier push left and this one lacks, such as a checkpoint
            )
    return Pushed(HubAddress(address.repo, str(commit.oid)), str(commit.commit_url))


def _refuse_foreign(names: set[str], address: HubAddress) -> None:
    """Keep from replacing the page of a repository that is not a model of earwitness."""
    if PAGE in names and MANIFEST not in names:
        raise HubError(f"{address}: the repository has a {PAGE} and no earwitness model; push to another one")


@contextmanager
def _told(address: HubAddress, base: str) -> Iterator[None]:
    """Turn an error of the hub's client into one line."""
    try:
        yield
    except EarwitnessError:
        raise
    except Exception as error:  # its own, its network library's and the system's errors
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403):
            raise HubError(f"{address}: the token may not write there; make one with write access") from error
        if status is not None:
            reason = getattr(error, "server_message", None) or first_line(error)
            raise HubError(f"{address}: the hub refused ({first_line(ValueError(reason))})") from error
        raise HubError(f"{base} cannot be reached ({first_line(error)}); nothing was pushed") from error
