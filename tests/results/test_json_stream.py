from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from earwitness.results.json_stream import document_pieces, placeholder, printable

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(values, st.lists(values, max_size=4), st.lists(values, max_size=3), st.none() | st.integers(1, 4))
def test_the_text_is_that_of_the_whole(
    other: object, first: list[object], second: list[object], indent: int | None
) -> None:
    def document(a: object, b: object) -> object:
        return {"before": other, "in": [{"a": a, "deep": {"b": b}}], "after": other}

    pieces = document_pieces(document(placeholder("a"), placeholder("b")), {"a": iter(first), "b": second}, indent)
    separators = (",", ":") if indent is None else None
    expected = json.dumps(document(first, second), indent=indent, ensure_ascii=False, separators=separators)
    text = "".join(pieces)
    assert text == printable(expected)
    assert json.loads(text) == json.loads(expected)
    assert not {sign for sign in text if not sign.isprintable() and sign != "\n"}


def test_items_are_made_one_at_a_time() -> None:
    made = []

    def items() -> object:
        for number in range(3):
            made.append(number)
            yield number

    pieces = document_pieces({"a": placeholder("a")}, {"a": items()}, 2)
    assert next(pieces) == '{\n  "a": '
    next(pieces)
    assert made == [0]
