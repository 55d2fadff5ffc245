"""Reading from the Hugging Face hub over HTTPS, with the standard library alone.

Only two kinds of request are made: which commit a revision is, and the contents of one file of that commit. A token is
sent to the hub itself only, never to the servers that it redirects to, and not over an unencrypted connection to
another machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPMessage, HTTPResponse
from ipaddress import ip_address
from pathlib import Path
from typing import IO, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from earwitness.core.errors import HubError, ModelError, UsageError, first_line, shortened
from earwitness.core.files.small_files import parse_json
from earwitness.core.version import __version__
from earwitness.detect.hub.hub_cache import COMMIT, HubAddress

ENDPOINT: Final = "https://huggingface.co"
TIMEOUT_SECONDS: Final = 60.0
_ANSWER_BYTES: Final = 16 * 2**20
_BLOCK: Final = 2**20
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,500}")

Received = Callable[[int, int], None]
"""Called with the bytes received so far, and the expected number."""


def endpoint() -> str:
    """Address of the hub: $HF_ENDPOINT, or the public one.

    Raises:
        UsageError: $HF_ENDPOINT is not a web address.
    """
    chosen = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or ENDPOINT
    try:
        parts = urlsplit(chosen)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and chosen.isprintable()
    except ValueError:
        usable = False
    if not usable or parts.query or parts.username:
        raise UsageError(f"HF_ENDPOINT is '{shortened(chosen, 100)}'; it must be an https address without a password")
    return chosen


def hub_token() -> str | None:
    """The user's token: $HF_TOKEN, or the file that `hf auth login` writes; None if there is none.

    Raises:
        UsageError: it is not a token.
    """
    token = os.environ.get("HF_TOKEN", "")
    if not token:
        home = Path(os.environ.get("HF_HOME") or Path("~/.cache/huggingface").expanduser())
        path = Path(os.environ.get("HF_TOKEN_PATH") or home / "token")
        try:
            token = path.read_text(encoding="utf-8")[:1000] if path.is_file() else ""
        except (OSError, UnicodeDecodeError):
            token = ""
    token = token.strip()
    if token and not _TOKEN.fullmatch(token):
        raise UsageError("the token of the hub (HF_TOKEN) holds spaces or unprintable characters; set it again")
    return token or None


class HubClient:
    """Requests to one hub.

    Args:
        base: its address; by default that of `endpoint`.
        token: the user's token; by default that of `hub_token`.

    Raises:
        HubError: $HF_HUB_OFFLINE forbids to use the network.
    """

    def __init__(self, base: str | None = None, token: str | None = None) -> None:
        if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
            raise HubError("HF_HUB_OFFLINE is set, so nothing is downloaded; unset it to use the hub")
        self.base = base or endpoint()
        self._token = token or hub_token()

    def commit_of(self, address: HubAddress) -> str:
        """The commit that the revision of an address is now.

        Raises:
            HubError: the hub cannot be reached, or has no such repository or revision, or does not let this user in.
        """
        path = f"/api/models/{address.repo}/revision/{quote(address.revision, safe='')}"
        text = self._read(path, address, _ANSWER_BYTES)
        values = None
        if len(text) <= _ANSWER_BYTES:
            values = parse_json(text.decode("utf-8", "replace"), f"{self.base}: the answer", HubError)
        commit = values.get("sha") if isinstance(values, dict) else None
        if not isinstance(commit, str) or not COMMIT.fullmatch(commit):
            raise HubError(f"{self.base} does not answer like the hub (no commit for {address}); check HF_ENDPOINT")
        return commit

    def read(self, address: HubAddress, commit: str, name: str, most: int) -> bytes:
        """A small file of a commit.

        Raises:
            HubError: as `commit_of`.
            ModelError: there is no such file, or it is larger than `most` bytes.
        """
        text = self._read(f"/{address.repo}/resolve/{commit}/{name}", address, most, name)
        if len(text) > most:
            raise ModelError(f"{address}: {name} has more than {most:,} bytes, so it is not that of a model")
        return text

    def download(
        self, address: HubAddress, commit: str, file: tuple[str, int], target: Path, received: Received
    ) -> None:
        """Write a file of a commit to `target`.

        Args:
            address: the repository.
            commit: the commit.
            file: its name, and its size in bytes.
            target: path to write; it is incomplete if this fails.
            received: called as data arrive.

        Raises:
            HubError: as `commit_of`, or the connection broke off.
            ModelError: there is no such file, or it has another size.
            OSError: `target` cannot be written.
        """
        name, size = file
        done = 0
        with (
            target.open("wb") as out,
            self._open(f"/{address.repo}/resolve/{commit}/{name}", address, name) as response,
        ):
            for block in _blocks(response, f"{name} of {address}"):
                done += len(block)
                if done > size:
                    raise ModelError(f"{address}: {name} is larger than its manifest says; nothing was installed")
                out.write(block)
                received(done, size)
        if done < size:
            raise HubError(f"{name} of {address}: the connection broke off after {done:,} of {size:,} bytes; try again")

    def _read(self, path: str, address: HubAddress, most: int, name: str = "") -> bytes:
        """An answer, or its first bytes if it has more than `most`."""
        text = b""
        with self._open(path, address, name) as response:
            for block in _blocks(response, f"{name or 'the answer'} of {address}"):
                text += block
                if len(text) > most:
                    break
        return text

    def _open(self, path: str, address: HubAddress, name: str = "") -> HTTPResponse:
        request = Request(self.base + path, headers={"User-Agent": f"earwitness/{__version__}"})
        if self._token and _may_carry_token(self.base):
            # An unredirected header: the servers that the hub redirects to must not learn the token.
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        opener = build_opener(_Redirects(self._token if _may_carry_token(self.base) else None, self.base))
        try:
            response: HTTPResponse = opener.open(request, timeout=TIMEOUT_SECONDS)
            return response
        except HTTPError as error:
            with error:
                raise self._refusal(error, address, name) from None
        except (OSError, HTTPException, ValueError) as error:
            reason = first_line(getattr(error, "reason", None) or error)
            raise HubError(
                f"{self.base} cannot be reached ({reason}); check the network, or copy the model's files from another "
                "machine and name the .onnx file with --model"
            ) from None

    def _refusal(self, error: HTTPError, address: HubAddress, name: str) -> HubError | ModelError:
        """What an HTTP status of the hub means."""
        kind = error.headers.get("X-Error-Code", "") if error.headers else ""
        if error.code in (401, 403) and kind == "GatedRepo":
            return HubError(
                f"{address}: its owner wants each user to accept terms; accept them on {self.base}/{address.repo}"
            )
        if error.code in (401, 403) or kind == "RepoNotFound":
            advice = "check the name" if self._token else "check the name, or set HF_TOKEN to a token that may read it"
            return HubError(f"{address}: there is no such repository, or it is private; {advice}")
        if error.code == 404 and kind == "RevisionNotFound":
            return HubError(f"{address}: the repository has no revision '{address.revision}'")
        if error.code == 404 and name:
            return ModelError(
                f"{address}: no earwitness model: it has no {name}; `earwitness models push` makes such a repository"
            )
        if error.code == 404:
            return HubError(f"{address}: there is no such repository or revision; check the name")
        if error.code == 429:
            return HubError(f"{self.base} refuses more requests for now; try again in some minutes")
        if error.code < 400:  # urllib follows redirects to web addresses only
            return HubError(f"{self.base} cannot be used: it redirects to an address that is not https")
        return HubError(f"{self.base} answers with an error ({error.code}); try again later")


class _Redirects(HTTPRedirectHandler):
    """Follows redirects to web addresses, never from https to http; the token stays with the hub."""

    def __init__(self, token: str | None, base: str) -> None:
        self._token, self._base = token, urlsplit(base)

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """The request that follows a redirect."""
        target = urlsplit(newurl)
        if target.scheme not in ("http", "https") or (self._base.scheme == "https" and target.scheme != "https"):
            raise ValueError("it redirects to an address that is not https")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and self._token and target[:2] == self._base[:2]:
            following.add_unredirected_header("Authorization", f"Bearer {self._token}")
        return following


def _may_carry_token(base: str) -> bool:
    """Whether a token may be sent to this address: over https, or to this machine."""
    parts = urlsplit(base)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _blocks(response: IO[bytes], what: str) -> Iterator[bytes]:
    while True:
        try:
            block = response.read(_BLOCK)
        except (OSError, HTTPException) as error:
            raise HubError(f"{what}: the connection broke off ({first_line(error)}); try again") from None
        if not block:
            return
        yield block
