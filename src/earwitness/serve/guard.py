"""Middleware that checks every request before it reaches a route.

Only allowed Host and Origin headers pass: a protection against DNS rebinding and cross-site requests.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from earwitness.core.errors import EarwitnessError, UsageError

_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_ANY_ADDRESS: Final = ("0.0.0.0", "::")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Authority:
    """Host and port of an address; `port` is None if omitted."""

    host: str
    port: int | None


def parse_authority(text: str) -> Authority | None:
    """Normalized host and port of a Host header; None if it is neither a name nor an address."""
    match = _AUTHORITY.fullmatch(text)
    if match is None or (match[2] is not None and not 0 < int(match[2]) < 65536):
        return None
    if match[1].startswith("["):
        address = _address(match[1][1:-1])
        if address is None:
            return None
        host = address
    else:
        host = match[1].lower().removesuffix(".")
        host = _address(host) or host
    return Authority(host, int(match[2]) if match[2] else None) if host else None


def _address(text: str) -> str | None:
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


class AllowedHosts:
    """Checks Host and Origin headers.

    Allowed are the loopback names, the address that the server listens on, the local address of the connection, and
    the given names. Any other name may belong to a website whose DNS entry points to this machine.

    Args:
        listens_on: address that the server listens on.
        more: further names, such as that of a proxy in front of the server.

    Raises:
        UsageError: a name is not valid.
    """

    def __init__(self, listens_on: str, more: Iterable[str] = ()) -> None:
        names = set(_LOOPBACK)
        if listens_on not in _ANY_ADDRESS:
            names.add(_address(listens_on) or listens_on.lower().removesuffix("."))
        for name in more:
            given = parse_authority(f"[{name}]" if ":" in name and not name.startswith("[") else name)
            if given is None or given.port is not None:
                raise UsageError(f"--allow-host must be a name or an address without a port, not {name!r}")
            names.add(given.host)
        self._names = frozenset(names)

    def host(self, header: str, local_address: str | None) -> Authority | None:
        """Parse a Host header; None if it is not allowed.

        Args:
            header: the value.
            local_address: local address of the connection.
        """
        given = parse_authority(header)
        if given is None:
            return None
        own = _address(local_address.split("%")[0]) if local_address else None
        return given if given.host in self._names or given.host == own else None

    @staticmethod
    def same_origin(origin: str, host: Authority) -> bool:
        """Whether an Origin header has the host and port of the request."""
        scheme, separator, rest = origin.partition("://")
        given = parse_authority(rest) if separator and scheme in _DEFAULT_PORTS else None
        if given is None or given.host != host.host:
            return False
        usual = _DEFAULT_PORTS[scheme]
        return (given.port or usual) == (host.port or usual)


Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

METHODS: Final = frozenset({"GET", "HEAD", "POST"})
OTHER_BYTES: Final = 16_384
"""Largest body of a request other than an upload; no other route reads the body."""
_DISCARD_BYTES: Final = 200_000_000
_DISCARD_SECONDS: Final = 1.5
"""Shorter than the grace period of a server that is stopping."""
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""Default content security policy: pages may load from this server only."""
_HEADERS: Final = {
    b"content-security-policy": PAGE_POLICY.encode(),
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"SAMEORIGIN",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(self), microphone=(self), geolocation=()",
    b"cache-control": b"no-store",
}


class Guard:
    """ASGI middleware that refuses requests which the page does not send, and adds security headers.

    Refuses hosts that are not allowed (DNS rebinding), other origins, requests that the browser marks as cross-site,
    other methods, websockets, and bodies above the limit in any transfer encoding.

    Args:
        app: the application.
        hosts: the allowed hosts.
        upload_path: path of the upload route.
        upload_bytes: largest body of an upload; the limit of other requests is `OTHER_BYTES`.
    """

    def __init__(self, app: App, hosts: AllowedHosts, upload_path: str, upload_bytes: int) -> None:
        self._app, self._hosts = app, hosts
        self._upload_path, self._upload_bytes = upload_path, upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", []))
                names = {name.lower() for name, _ in given}
                message = {**message, "headers": given + [(n, v) for n, v in _HEADERS.items() if n not in names]}
            await send(message)

        reason = self._refusal(scope)
        if reason is not None:
            await refuse(receive, send_with_headers, *reason)
            return
        await self._app(scope, _counted(receive, self._most(scope)), send_with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and reason if the head of a request is reason to refuse it."""
        if scope["method"] not in METHODS:
            return 405, "Only GET, HEAD and POST are allowed."
        headers = _values(scope)
        local = scope["server"][0] if scope.get("server") else None
        named = headers.get("host", [])
        host = self._hosts.host(named[0], local) if len(named) == 1 else None
        if host is None:
            return 421, "This host name is not allowed; the server's operator can allow it: serve --allow-host NAME."
        if any(not self._hosts.same_origin(origin, host) for origin in headers.get("origin", [])):
            return 403, "Requests from other websites are not allowed."
        if not _from_the_page(scope, headers):
            return 403, "Requests from other websites are not allowed."
        for length in headers.get("content-length", []):
            if not length.isascii() or not length.isdigit():
                return 400, "Content-Length is not a number."
            if int(length) > self._most(scope):
                return 413, str(BodyTooLargeError(self._most(scope)))
        if "transfer-encoding" in headers and not self._is_upload(scope):  # no route reads it, and it may never end
            return 411, "Only uploads may omit Content-Length."
        return None

    def _is_upload(self, scope: Scope) -> bool:
        return bool(scope["method"] == "POST" and scope["path"] == self._upload_path)

    def _most(self, scope: Scope) -> int:
        return self._upload_bytes if self._is_upload(scope) else OTHER_BYTES


class BodyTooLargeError(EarwitnessError):
    """The body of a request exceeds the limit (bytes); raised while it is received."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The request is too large: this server accepts {most / 1e6:g} MB.")


def _counted(receive: Receive, most: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > most:
                raise BodyTooLargeError(most)
        return message

    return counted


def _values(scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _from_the_page(scope: Scope, headers: dict[str, list[str]]) -> bool:
    """Whether the browser reports a same-origin request; links from other sites may open the start page only."""
    sites = headers.get("sec-fetch-site", [])
    if all(site in ("same-origin", "none") for site in sites):
        return True
    opened = headers.get("sec-fetch-mode") == ["navigate"] and headers.get("sec-fetch-dest") == ["document"]
    return opened and scope["method"] in ("GET", "HEAD") and scope["path"] == "/"


async def refuse(receive: Receive, send: Send, status: int, reason: str) -> None:
    """Answer with a status and a reason as text, and close the connection.

    Reads and discards the rest of the request for a short time: clients read the answer only after sending everything,
    and report a connection error if the connection is closed earlier.
    """
    body = reason.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    with suppress(TimeoutError):
        await asyncio.wait_for(_discard(receive), _DISCARD_SECONDS)
    await send({"type": "http.response.body", "body": b""})


async def _discard(receive: Receive) -> None:
    discarded = 0
    while discarded < _DISCARD_BYTES:
        try:
            message = await receive()
        except BodyTooLargeError:
            continue
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
        discarded += len(message["body"])
