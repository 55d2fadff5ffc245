"""Damage to the bytes of a valid file: bits, cuts, repetitions, huge numbers in headers and texts."""

from __future__ import annotations

import random
from typing import Final

HUGE: Final = (0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 0x00FFFFFF, 0x40000000, 0)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One kind of damage, sometimes more."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = chance.choice(MUTATIONS)(data, chance) or b"\0"
    return data


def _flip_bits(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 4, 32, max(1, len(data) // 50)))):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def _flip_head(data: bytes, chance: random.Random) -> bytes:
    head = min(len(data), 512)
    return _flip_bits(data[:head], chance) + data[head:]


def _truncate(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _cut_out(data: bytes, chance: random.Random) -> bytes:
    first = chance.randrange(len(data))
    return data[:first] + data[first + chance.randint(1, max(1, len(data) // 4)) :]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    first = chance.randrange(len(data))
    piece = data[first : first + chance.randint(1, 200)]
    return data[:first] + piece * chance.randint(2, 50) + data[first:]


def _huge_number(data: bytes, chance: random.Random) -> bytes:
    out, at = bytearray(data), chance.randrange(min(len(data), 4096))
    number, size = chance.choice(HUGE), chance.choice((2, 4, 8))
    out[at : at + size] = (number if size > 2 else number & 0xFFFF).to_bytes(size, chance.choice(("big", "little")))
    return bytes(out)


def _huge_digits(data: bytes, chance: random.Random) -> bytes:
    """In texts: a number becomes another that nobody expects."""
    places = [at for at, byte in enumerate(data[:100_000]) if 48 <= byte <= 57]
    if not places:
        return _flip_bits(data, chance)
    at = chance.choice(places)
    odd = (b"9" * 400, b"-1", b"1e999", b"NaN", b"Infinity", b"0.5", b"99999999999", b'"', b"null", b"[" * 3000)
    return data[:at] + chance.choice(odd) + data[at + 1 :]


def _splice(data: bytes, chance: random.Random) -> bytes:
    first, second = sorted((chance.randrange(len(data)), chance.randrange(len(data))))
    return data[second:] + data[first:second] + data[:first]


MUTATIONS: Final = (
    _flip_bits, _flip_head, _truncate, _cut_out, _repeat, _huge_number, _huge_number, _huge_digits, _splice
)  # fmt: skip
