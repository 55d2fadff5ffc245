"""Values that nobody expects, and JSON documents that hold them in the place of others."""

from __future__ import annotations

import copy
import json
import random
from typing import Any, Final

ODD_NUMBERS: Final = (
    0, -1, 1, 2, 13, 2**15, 2**31 - 1, 2**31, 2**63, -(2**63), 10**30, 0.5, -0.0, 1e-320, 1e30, 1e308, -1e308,
    float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
ODD_TEXTS: Final = (
    "", " ", "\0", "a\nb", "\x1b[31mred\x07", "\u202egpj.exe", "\ud800", "..", "../../etc/passwd", "/etc/passwd",
    "/dev/zero", "C:\\x", "http://127.0.0.1:9/x", "<script>alert(1)</script>", "]]>", "--", "-->", "%s%n", "x" * 5000,
    "é" * 300, "NaN", "inf", "-1", "1e999", "١٢", "1_000", "true", "null", "__class__", "${HOME}", "~", "*", "a,b",
)  # fmt: skip


def odd_value(chance: random.Random, depth: int = 0) -> Any:
    """A value of any kind that JSON has, NaN and infinity too."""
    pick = chance.random()
    if pick < 0.45:
        return chance.choice(ODD_NUMBERS)
    if pick < 0.75:
        return chance.choice(ODD_TEXTS)
    if pick < 0.85:
        return chance.choice((None, True, False))
    if depth > 2 or pick < 0.9:
        return chance.choice(([], {}, [[]], [None], {"": None}))
    if pick < 0.95:
        return [odd_value(chance, depth + 1) for _ in range(chance.choice((1, 2, 13, 14, 300)))]
    return {chance.choice(ODD_TEXTS): odd_value(chance, depth + 1) for _ in range(3)}


def changed(document: Any, chance: random.Random) -> Any:
    """A copy of a JSON document with up to four of its values replaced, removed, repeated or renamed."""
    made = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        places = list(_places(made))
        if not places:
            return odd_value(chance)
        inside, key = chance.choice(places)
        _change(inside, key, chance)
    return made


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def _change(inside: Any, key: Any, chance: random.Random) -> None:
    pick = chance.random()
    if pick < 0.7:
        inside[key] = odd_value(chance)
    elif pick < 0.8:
        del inside[key]
    elif isinstance(inside, list):
        inside.extend([inside[key]] * chance.choice((1, 2, 1000)))
    elif pick < 0.9:
        inside[chance.choice(ODD_TEXTS)] = odd_value(chance)
    else:
        inside[chance.choice(ODD_TEXTS)] = inside.pop(key)


def as_text(document: Any, chance: random.Random) -> bytes:
    """The document as JSON, sometimes nested, doubled, with a byte order mark or in another encoding."""
    text = json.dumps(document)
    pick = chance.random()
    if pick < 0.03:
        text = "[" * 100_000 + text
    elif pick < 0.06:
        text = text + text
    elif pick < 0.09:
        text = "\ufeff" + text
    elif pick < 0.12:
        return text.encode("utf-16")
    elif pick < 0.15:
        text = text.replace('"', '"\\ud800', 3)
    elif pick < 0.18:
        text = text.replace("0", "9" * 5000, 1)
    return text.encode("utf-8", "surrogatepass")
