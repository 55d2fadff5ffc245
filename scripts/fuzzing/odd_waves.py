"""WAV files whose headers say other things than their files: RIFF, RF64, BW64 and Wave64."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np

RATES: Final = (
    0, 1, 7, 999, 1000, 8000, 11_025, 22_050, 44_100, 47_999, 96_000, 192_000, 768_000, 768_001, 2**31 - 1, 2**32 - 1
)  # fmt: skip
_RIFF64: Final = bytes.fromhex("2e91cf11a5d628db04c10000")
_WAVE64: Final = bytes.fromhex("f3acd3118cd100c04f8edb8a")


def wave_header(chance: random.Random, valid: Path, folder: Path) -> Path:
    """One header with odd rates, channels, bits, blocks and sizes, and what may stand around its samples."""

    def odd(usual: int, *others: int) -> int:
        return chance.choice(others) if chance.random() < 0.2 else usual

    channels = odd(2, 1, 4, 6, 0, 3, 64, 65, 65_535)
    bits = odd(16, 8, 24, 32, 64, 0, 1, 12, 17, 128)
    tag = odd(1, 3, 0xFFFE, 0xFFFE, 2, 6, 7, 0x11, 0x50, 0x55, 0xFF, 0, 0xFFFF)
    block = odd(min(65_535, channels * max(1, bits // 8)), 0, 1, 65_535)
    rate = odd(48_000, *RATES)
    seconds = chance.choice((0.0, 0.0001, 0.5, 1.0, 3.0))
    size = min(2_000_000, int(min(rate, 48_000) * seconds) * max(1, min(block, 64)))
    data = np.random.default_rng(chance.randrange(2**32)).bytes(size)
    path = folder / f"case{chance.choice(('.wav', '.wave', '.w64', '.bwf', '.mp3', ''))}"
    write = chance.choice((_riff, _riff, _riff, _rf64, _wave64))
    contents = write(chance, _form(chance, tag, channels, rate, block, bits), data)
    pick = chance.random()
    if pick < 0.15:  # two files joined
        contents += write(chance, _form(chance, tag, channels, rate, block, bits), data)
    elif pick < 0.25:
        contents += chance.choice((b"\0", b"ID3\4", b"TAG", b"LIST", b"data", b"RIFF")) * chance.choice((1, 40, 9000))
    elif pick < 0.35:
        contents = contents[: chance.randrange(len(contents))]
    path.write_bytes(contents)
    return path


def odd_samples(chance: random.Random, valid: Path, folder: Path) -> Path:
    """Floats that are no numbers or far too large, offsets, silence, 64-bit integers."""
    kind = chance.choice(("<f4", "<f4", "<f8", "<i8", "<i4", "<u1"))
    rate = chance.choice((8000, 24_000, 44_100, 48_000))
    count = rate * chance.choice((1, 2, 6))
    sound = np.random.default_rng(chance.randrange(2**32)).standard_normal((count, 2)) * 0.1
    samples: Any
    if kind[1] == "f":
        scale = chance.choice((1.0, 1e-30, 5.5, 9e3, 1e12, 1e30, 1e38, 0.0))
        with np.errstate(all="ignore"):
            samples = (sound * scale + chance.choice((0.0, 0.0, 0.1, 1.0, 1e6))).astype(kind)
        odd = chance.choice((np.nan, np.inf, -np.inf, 1e20, -3e38, 1e-45, 0.0))
        first = chance.randrange(count)
        samples[first : first + chance.choice((1, 500, count)), chance.choice(((0,), (1,), (0, 1)))] = odd
    else:
        limits = np.iinfo(kind)
        samples = np.clip(sound, -1, 1) * (limits.max // 2)
        samples = samples.astype(kind)
        first = chance.randrange(count)
        samples[first : first + chance.choice((1, 9000))] = chance.choice((limits.min, limits.max))
    bits = samples.dtype.itemsize * 8
    form = struct.pack("<HHIIHH", 3 if kind[1] == "f" else 1, 2, rate, rate * bits // 4, bits // 4, bits)
    path = folder / "case.wav"
    path.write_bytes(_chunks(b"RIFF", [(b"fmt ", form), (b"data", samples.tobytes())]))
    return path


def _form(chance: random.Random, tag: int, channels: int, rate: int, block: int, bits: int) -> bytes:
    second = min(2**32 - 1, rate * block) if chance.random() < 0.7 else chance.choice((0, 1, 2**32 - 1))
    form = struct.pack("<HHIIHH", tag, channels, rate, second, block, bits)
    if tag == 0xFFFE:
        mask = chance.choice((0, 3, 0x3F, 2**32 - 1))
        sub = struct.pack("<H", chance.choice((1, 3, 0, 0xFFFE))) + bytes.fromhex("000000001000800000aa00389b71")
        form += struct.pack("<HHI", 22, chance.choice((bits, 0, 99)), mask) + sub
    elif tag in (2, 0x11):
        form += struct.pack("<HH", 2, chance.choice((0, 1, 505, 65_535)))
    return form if chance.random() < 0.9 else form[: chance.randrange(len(form))]


def _lie(chance: random.Random, size: int, most: int) -> int:
    """A size that is right in half of all cases."""
    if chance.random() < 0.5:
        return size
    lies = (0, 1, size // 2, size // 4 + 1, size + 1, size * 4 + 2, most, most - 36, most // 2, most // 2 - 40)
    return min(most, chance.choice(lies))


def _riff(chance: random.Random, form: bytes, data: bytes) -> bytes:
    extra = chance.choice(([], [], [(b"fact", struct.pack("<I", chance.choice((0, 9, 2**32 - 1))))], [(b"junk", b"x")]))
    return _chunks(b"RIFF", [(b"fmt ", form), *extra, (b"data", data)], _lie(chance, len(data), 2**32 - 1))


def _rf64(chance: random.Random, form: bytes, data: bytes) -> bytes:
    sizes = struct.pack("<QQQI", _lie(chance, len(data) + 80, 2**64 - 1), _lie(chance, len(data), 2**64 - 1), 0, 0)
    first = (b"ds64", sizes if chance.random() < 0.9 else sizes[:10])
    declared = chance.choice((2**32 - 1, 2**32 - 1, len(data), 0))
    return _chunks(chance.choice((b"RF64", b"BW64")), [first, (b"fmt ", form), (b"data", data)], declared)


def _wave64(chance: random.Random, form: bytes, data: bytes) -> bytes:
    body = b"wave" + _WAVE64
    for name, content in ((b"fmt ", form), (b"data", data)):
        size = _lie(chance, len(content) + 24, 2**64 - 1) if name == b"data" else len(content) + 24
        body += name + _WAVE64 + struct.pack("<Q", size) + content + bytes(-len(content) % 8)
    return b"riff" + _RIFF64 + struct.pack("<Q", len(body) + 24) + body


def _chunks(kind: bytes, parts: list[tuple[bytes, bytes]], declared: int | None = None) -> bytes:
    body = b"WAVE"
    for name, content in parts:
        size = declared if name == b"data" and declared is not None else len(content)
        body += name + struct.pack("<I", size) + content + bytes(len(content) % 2)
    return kind + struct.pack("<I", min(2**32 - 1, len(body) if kind == b"RIFF" else 2**32 - 1)) + body
