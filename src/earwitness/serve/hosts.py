"""Allowed Host and Origin headers: protection against DNS rebinding and cross-site requests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from earwitness.core.errors import UsageError

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
