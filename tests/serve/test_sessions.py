from __future__ import annotations

from earwitness.serve.sessions import Sessions


def test_a_cookie_is_taken_by_the_server_that_made_it() -> None:
    mine, other = Sessions("s"), Sessions("s")
    cookie = mine.new().split(";")[0]
    assert mine.find(cookie)
    assert mine.find(f"a=b; {cookie}; c=d") == mine.find(cookie)
    assert "HttpOnly" in mine.new()
    assert "SameSite=Lax" in mine.new()
    for header in (
        None,
        "",
        "s=",
        "s=x",
        "s=x.y",
        cookie[:-1],
        cookie.replace("s=", "t="),
        "s=é.ü",
        "\0",
        ";;==;",
        f"{cookie}0",
    ):
        assert mine.find(header) is None
    assert other.find(cookie) is None
