"""JSON documents with lists too long to be held as objects: those of hours of sound take ten times their text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

_PLACE: Final = "\0list {name}"


def placeholder(name: str) -> str:
    """What stands in a document for the list of this name."""
    return _PLACE.format(name=name)


def document_pieces(document: Any, lists: Mapping[str, Iterable[Any]], indent: int) -> Iterator[str]:
    """Yield the text of a document item by item, as `json.dumps` would write it with the lists in their places.

    Args:
        document: plain values, with a `placeholder` for each list.
        lists: by name, in the order of their places.
        indent: spaces a level.
    """
    text = _text(document, indent)
    for name, items in lists.items():
        before, _, text = text.partition(json.dumps(placeholder(name)))
        yield before
        last_line = before[before.rfind("\n") + 1 :]
        yield from _list(items, len(last_line) - len(last_line.lstrip(" ")), indent)
    yield text


def _list(items: Iterable[Any], outer: int, indent: int) -> Iterator[str]:
    begin, end = "[\n", "[]"
    for item in items:
        margin = " " * (outer + indent)
        yield begin + margin + _text(item, indent).replace("\n", "\n" + margin)
        begin, end = ",\n", "\n" + " " * outer + "]"
    yield end


def _text(value: Any, indent: int) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
