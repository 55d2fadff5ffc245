"""Sessions of visitors as signed cookies; the server stores no list of them."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie


@dataclass(frozen=True, slots=True)
class Sessions:
    """Makes and checks the cookies of one server; it rejects those of other servers and of earlier runs.

    Attributes:
        cookie: name of the cookie; must differ between servers on one machine, because cookies ignore ports.
    """

    cookie: str
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def new(self) -> str:
        """A Set-Cookie header for a new visitor; scripts cannot read the cookie, and other sites cannot send it."""
        name = secrets.token_urlsafe(16)
        return f"{self.cookie}={name}.{self._signature(name)}; Path=/; HttpOnly; SameSite=Lax"

    def find(self, header: str | None) -> str | None:
        """The session in the Cookie header of a request; None without a valid one."""
        try:
            cookies = SimpleCookie(header or "")
        except CookieError:
            return None
        if self.cookie not in cookies:
            return None
        name, _, signature = cookies[self.cookie].value.partition(".")
        known = hmac.compare_digest(signature.encode(), self._signature(name).encode())
        return name if known else None

    def _signature(self, name: str) -> str:
        return hmac.new(self._key, name.encode(), sha256).hexdigest()
