"""The check at the door: every request passes it before any route sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final

from earwitness.core.errors import EarwitnessError
from earwitness.serve.hosts import AllowedHosts

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

METHODS: Final = frozenset({"GET", "HEAD", "POST"})
OTHER_BYTES: Final = 16_384
"""Largest body of a request that is no upload. No route but the upload's reads one."""
_DISCARD_BYTES: Final = 200_000_000
_DISCARD_SECONDS: Final = 1.5
"""Less than a server that is stopped waits for answers."""
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""Content security policy of everything that has no other: nobody but this server can be asked."""
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
    """ASGI middleware that refuses what a visitor of the page does not send, and adds security headers.

    Refused are: hosts that are not allowed (DNS rebinding), origins other than the page's own and what a browser says
    to come from another site, other methods, websockets, and bodies above the limit, however they are transferred.

    Args:
        app: the application behind it.
        hosts: which hosts are allowed.
        upload_path: the route that takes uploads.
        upload_bytes: largest body of a request to it; of any other: `OTHER_BYTES`.
    """

    def __init__(self, app: App, hosts: AllowedHosts, upload_path: str, upload_bytes: int) -> None:
        self._app, self._hosts = app, hosts
        self._upload_path, self._upload_bytes = upload_path, upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
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
        """Status and reason if a request is refused by its head alone."""
        if scope["method"] not in METHODS:
            return 405, "Only GET, HEAD and POST are possible here."
        headers = _values(scope)
        local = scope["server"][0] if scope.get("server") else None
        named = headers.get("host", [])
        host = self._hosts.host(named[0], local) if len(named) == 1 else None
        if host is None:
            return 421, "This host name is not allowed; who runs the server can allow it: serve --allow-host NAME."
        if any(not self._hosts.same_origin(origin, host) for origin in headers.get("origin", [])):
            return 403, "Requests from other websites are not allowed."
        if not _from_the_page(scope, headers):
            return 403, "Requests from other websites are not allowed."
        for length in headers.get("content-length", []):
            if not length.isascii() or not length.isdigit():
                return 400, "Content-Length is not a number."
            if int(length) > self._most(scope):
                return 413, str(BodyTooLargeError(self._most(scope)))
        if "transfer-encoding" in headers and not self._is_upload(scope):  # nobody reads it, and it may never end
            return 411, "Only uploads may leave out their Content-Length."
        return None

    def _is_upload(self, scope: Scope) -> bool:
        return bool(scope["method"] == "POST" and scope["path"] == self._upload_path)

    def _most(self, scope: Scope) -> int:
        return self._upload_bytes if self._is_upload(scope) else OTHER_BYTES


class BodyTooLargeError(EarwitnessError):
    """The body of a request goes beyond the limit, bytes; raised while it is received."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The request is too large: this server takes {most / 1e6:g} MB.")


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
    """Whether the browser says that its own page asked; a link from elsewhere may lead to the page, not further."""
    sites = headers.get("sec-fetch-site", [])
    if all(site in ("same-origin", "none") for site in sites):
        return True
    opened = headers.get("sec-fetch-mode") == ["navigate"] and headers.get("sec-fetch-dest") == ["document"]
    return opened and scope["method"] in ("GET", "HEAD") and scope["path"] == "/"


async def refuse(receive: Receive, send: Send, status: int, reason: str) -> None:
    """Answer with a status and a reason in words, and close the connection.

    What the client still sends is read and thrown away for a while: it looks for an answer only when it has sent all,
    and a connection that is closed before looks broken to it.
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
