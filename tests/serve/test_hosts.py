from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.core.errors import UsageError
from earwitness.serve.hosts import AllowedHosts, Authority, parse_authority


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Localhost:7860", Authority("localhost", 7860)),
        ("localhost.", Authority("localhost", None)),
        ("[0:0:0:0:0:0:0:1]:80", Authority("::1", 80)),
        ("[::FFFF:127.0.0.1]", Authority("127.0.0.1", None)),
        ("[::1", None),
        ("[fe80::1%eth0]", None),
        ("a:b", None),
        ("a:123456", None),
        ("a:0", None),
        ("::1", None),
        (".", None),
        ("", None),
        ("a b", None),
        ("user@localhost", None),
        ("localhost\n", None),
        ("localhost:٨٠", None),
    ],
)
def test_one_spelling_for_each_host(text: str, expected: Authority | None) -> None:
    assert parse_authority(text) == expected


def test_an_address_of_the_network_is_allowed_where_the_connection_came_in() -> None:
    hosts = AllowedHosts("0.0.0.0")
    assert hosts.host("192.168.1.5:7860", "192.168.1.5")
    assert hosts.host("192.168.1.5:7860", "::ffff:192.168.1.5"), "a socket of both families"
    assert hosts.host("[fe80::1]:7860", "fe80::1%eth0")
    assert hosts.host("localhost", "192.168.1.5")
    assert hosts.host("192.168.1.6", "192.168.1.5") is None
    assert hosts.host("0.0.0.0", "192.168.1.5") is None
    assert hosts.host("printer", "192.168.1.5") is None
    assert hosts.host("evil.example", None) is None


def test_names_can_be_allowed() -> None:
    hosts = AllowedHosts("lab-server", ["SELD.example.org.", "fe80::2", "[fe80::3]"])
    for name in ("lab-server:7860", "seld.example.org", "[fe80::2]", "[fe80::3]:1", "127.0.0.1"):
        assert hosts.host(name, None), name
    for name in ("seld.example.org:80", "http://a", "a/b", "*", "", "a b"):
        with pytest.raises(UsageError, match="--allow-host"):
            AllowedHosts("127.0.0.1", [name])


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://localhost:7860", "localhost:7860", True),
        ("http://LOCALHOST:7860", "localhost.:7860", True),
        ("https://seld.example.org", "seld.example.org", True),
        ("https://seld.example.org", "seld.example.org:443", True),
        ("http://localhost:80", "localhost", True),
        ("http://localhost", "localhost:7860", False),
        ("http://127.0.0.1:7860", "localhost:7860", False),
        ("http://localhost:7860/", "localhost:7860", False),
        ("http://a@localhost:7860", "localhost:7860", False),
        ("ws://localhost:7860", "localhost:7860", False),
        ("null", "localhost:7860", False),
        ("", "localhost:7860", False),
        ("localhost:7860", "localhost:7860", False),
    ],
)
def test_only_the_pages_own_origin(origin: str, host: str, same: bool) -> None:
    parsed = parse_authority(host)
    assert parsed is not None
    assert AllowedHosts.same_origin(origin, parsed) is same


@given(st.text(max_size=40))
def test_no_other_text_is_an_allowed_host(text: str) -> None:
    given = AllowedHosts("127.0.0.1").host(text, "127.0.0.1")
    assert given is None or given.host in ("localhost", "127.0.0.1", "::1")
