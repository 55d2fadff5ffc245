"""JSON documents written item by item, because long lists as objects take ten times the memory of their text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e\n\ud800-\udfff]")
"""Characters that may not be printable, including unpaired surrogates."""
_PLACE: Final = "\0list {name}"


def placeholder(name: str) -> str:
    """The placeholder in a document for the list of this name."""
    return _PLACE.format(name=name)


def document_pieces(
    document: Any, lists: Mapping[str, Iterable[Any]], indent: int | None, *, item_lines: bool = False
) -> Iterator[str]:
    """Yield the text of a document item by item, as `json.dumps` would write it with the lists in their places.

    Args:
        document: plain values, with a `placeholder` for each list.
        lists: by name, in the order of their places.
        indent: spaces a level; None: all on one line, without any spaces.
        item_lines: write each item of a list on one line, with spaces after commas and colons.
    """
    text = _text(document, indent)
    for name, items in lists.items():
        before, _, text = text.partition(json.dumps(placeholder(name)))
        yield before
        last_line = before[before.rfind("\n") + 1 :]
        outer = " " * (len(last_line) - len(last_line.lstrip(" ")))
        yield from _list(items, None if indent is None else "\n" + outer, indent, item_lines)
    yield text


def _list(items: Iterable[Any], outer: str | None, indent: int | None, item_lines: bool) -> Iterator[str]:
    """The text of a list; `outer` is the line break and indentation before its closing bracket."""
    inner = "" if outer is None else outer + " " * (indent or 0)
    before, end = "[", "[]"
    for item in items:
        text = _dumped(item) if item_lines else _text(item, indent).replace("\n", inner)
        yield before + inner + text
        before, end = ",", (outer or "") + "]"
    yield end


def _text(value: Any, indent: int | None) -> str:
    return _dumped(value, indent=indent, separators=(",", ":") if indent is None else None)


def _dumped(value: Any, **options: Any) -> str:
    return printable(json.dumps(value, ensure_ascii=False, allow_nan=False, **options))


def printable(text: str) -> str:
    """JSON text with escapes for terminal control characters and for characters that change the text direction."""
    return _UNPRINTABLE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable():
        return character
    return json.dumps(character)[1:-1] if character != "\x7f" else "\\u007f"
