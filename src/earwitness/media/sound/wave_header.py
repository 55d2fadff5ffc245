"""Parses the headers of WAV files (RIFF, RF64, BW64, Wave64) and checks them against the file.

PCM files can be opened without FFmpeg's probing for other codecs, which takes longer than reading them. The size in a
header is often wrong, in both directions: streaming writers do not know it, recorders that crash do not correct it,
above 4 GB it wraps around, and truncated or joined files keep it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

from earwitness.media.containers.chunks import RIFF, WAVE64, ChunkStyle, TrailingData, chunks, trailing_data

_START_BYTES: Final = 2**16
_KINDS: Final = (b"RIFF", b"RF64", b"BW64")
_WAVE64: Final = bytes.fromhex("726966662e91cf11a5d628db04c10000")
PCM: Final = 0x0001
_FLOAT: Final = 0x0003
_BLOCK_CODED: Final = (0x0002, 0x0011)
"""Microsoft and IMA ADPCM, whose format chunk contains the number of samples per block."""
_SAMPLE_CODED: Final = (PCM, _FLOAT, 0x0006, 0x0007)
"""Integers, floats, A-law and mu-law: a block is one sample per channel."""
_EXTENSIBLE: Final = 0xFFFE
_AMBISONIC: Final = bytes.fromhex("2107d3118644c8c1ca000000")
"""Last bytes of the subformat GUIDs of .amb files: B-format with FuMa channel order and gains."""
_SYNC_WORDS: Final = tuple(
    bytes.fromhex(text) for text in ("1fffe800", "ff1f00e8", "7ffe8001", "fe7f0180", "f8724e1f", "72f81f4e")
)
"""Sync words of DTS (ETSI TS 102 114) and IEC 61937, which some discs store as PCM."""
_UNKNOWN: Final = 2**32 - 1
"""Size field whose actual value is in the ds64 chunk (RF64, EBU Tech 3306)."""
_PLACEHOLDERS: Final = ((2**31 - 2**16, 2**31), (2**32 - 2**16, 2**32))
"""Placeholder sizes of writers to a pipe: the largest possible value, less a header or a page."""
_LEAST_TRAILING_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class WaveHeader:
    """The header of a WAV file.

    Attributes:
        tag: format tag, or that of the subformat of an extensible header.
        channels: number of channels.
        rate: samples per second.
        bits: bits per sample.
        block_bytes: bytes per block.
        block_samples: samples per channel and block; 0 if unknown.
        data_start: position of the first sample.
        data_bytes: declared size of the samples; None if the writer did not know it.
        file_bytes: size of the file.
        fact_samples: samples per channel according to the `fact` chunk; 0 without one.
        ambisonic: whether the subformat is B-format.
        trailing: data after the declared end that is not a chunk; None if there is none.
    """

    tag: int
    channels: int
    rate: int
    bits: int
    block_bytes: int
    block_samples: int
    data_start: int
    data_bytes: int | None
    file_bytes: int
    fact_samples: int
    ambisonic: bool
    trailing: TrailingData | None

    @property
    def continues(self) -> bool:
        """Whether the samples continue after the declared end, so that the declared size must be ignored."""
        return self.trailing is not None and self.trailing.kind == "sound"

    @property
    def bytes_there(self) -> int:
        """Number of bytes of samples that can be read."""
        to_end = max(0, self.file_bytes - self.data_start)
        return to_end if self.data_bytes is None or self.continues else min(to_end, self.data_bytes)

    @property
    def samples_there(self) -> int:
        """Samples per channel that can be read; 0 if that depends on the codec."""
        return self._samples(self.bytes_there)

    @property
    def declared_samples(self) -> int | None:
        """Samples per channel according to the declared size; None if unknown or dependent on the codec."""
        if self.data_bytes is None or not self.block_samples:
            return None
        return self._samples(self.data_bytes)

    @property
    def declared_seconds(self) -> Fraction | None:
        """Duration according to the declared size; None if unknown."""
        samples = self.declared_samples
        if samples is None and self.data_bytes is not None and self.data_start + self.data_bytes > self.file_bytes:
            samples = self.fact_samples  # truncated, and of a codec whose length is known only after decoding
        return Fraction(samples, self.rate) if samples and self.rate else None

    @property
    def trailing_seconds(self) -> float:
        """Duration of the trailing data, in the format of the samples before it."""
        if self.trailing is None or not self.rate:
            return 0.0
        return self._samples(self.trailing.size) / self.rate

    def _samples(self, size: int) -> int:
        if not self.block_bytes or not self.block_samples:
            return 0
        whole = size // self.block_bytes * self.block_samples
        if self.fact_samples and self.block_samples > 1 and whole - self.block_samples < self.fact_samples <= whole:
            return self.fact_samples  # the last block is padded
        return whole


@dataclass(slots=True)
class _Format:
    """The format chunk."""

    tag: int = 0
    channels: int = 0
    rate: int = 0
    bits: int = 0
    block_bytes: int = 0
    block_samples: int = 0
    ambisonic: bool = False


def read_wave_header(path: Path) -> WaveHeader | None:
    """Read the header of a WAV file; None for other files, or if there is no format or no data chunk.

    Raises:
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(16)
        if start[:4] in _KINDS and file_is_wave(start):
            file.seek(12)
            return _read(file, size, RIFF)
        if start == _WAVE64:
            file.seek(40)
            return _read(file, size, WAVE64)
    return None


def file_is_wave(start: bytes) -> bool:
    """Whether the first 12 bytes are those of a RIFF file of kind WAVE."""
    return start[8:12] == b"WAVE"


def is_plain_wave(path: Path) -> bool:
    """Whether a file is a WAV file with PCM samples that need no further probing."""
    with path.open("rb") as file:
        start = file.read(_START_BYTES)
    if start[:4] not in _KINDS or not file_is_wave(start):
        return False
    header = read_wave_header(path)
    return header is not None and header.tag in (PCM, _FLOAT) and not any(mark in start for mark in _SYNC_WORDS)


def declared_seconds(path: Path) -> Fraction | None:
    """Duration of a WAV file according to its header; None if unknown, as in a file written to a pipe."""
    header = read_wave_header(path)
    return None if header is None else header.declared_seconds


def _read(file: BinaryIO, file_bytes: int, style: ChunkStyle) -> WaveHeader | None:
    form, fact, long_size = _Format(), 0, 0
    for name, size, begin in chunks(file, style):
        if name == b"fmt ":
            form = _format(file.read(min(size, 64)))
        elif name == b"fact":
            fact = int.from_bytes(file.read(4), "little")
        elif name == b"ds64":
            long_size = int.from_bytes(file.read(16)[8:], "little")
        elif name == b"data":
            if not form.rate or not form.channels:
                return None
            declared = long_size if size == _UNKNOWN and long_size else size
            known, trailing = _checked(file, style, begin, declared, form, file_bytes)
            return WaveHeader(
                form.tag, form.channels, form.rate, form.bits, form.block_bytes, form.block_samples,
                begin, known, file_bytes, fact, form.ambisonic, trailing,
            )  # fmt: skip
    return None


def _format(chunk: bytes) -> _Format:
    if len(chunk) < 16:
        return _Format()
    tag, channels, rate, _, block, bits = struct.unpack("<HHIIHH", chunk[:16])
    ambisonic = False
    if tag == _EXTENSIBLE and len(chunk) >= 40:
        tag, ambisonic = int.from_bytes(chunk[24:26], "little"), chunk[28:40] == _AMBISONIC
    samples = 0
    if tag in _SAMPLE_CODED:
        # Computed, since some writers store wrong values.
        block, samples = channels * ((bits + 7) // 8), 1
    elif tag in _BLOCK_CODED and len(chunk) >= 20:
        samples = int.from_bytes(chunk[18:20], "little")
    return _Format(tag, channels, rate, bits, block, samples, ambisonic)


def _checked(
    file: BinaryIO, style: ChunkStyle, begin: int, size: int, form: _Format, file_bytes: int
) -> tuple[int | None, TrailingData | None]:
    """The declared size, None if it is a placeholder, and the trailing data."""
    if size == 0:
        follows = trailing_data(file, style, begin, file_bytes)
        return (None, None) if follows is not None and follows.kind == "sound" else (0, follows)
    if begin + size >= file_bytes:
        return (None if _is_placeholder(size, style) and begin + size > file_bytes else size), None
    trailing = trailing_data(file, style, begin + size, file_bytes, style.padding(size))
    if trailing is not None and trailing.kind == "sound":
        second = form.rate * max(1, form.block_bytes) / max(1, form.block_samples)
        if trailing.size < _LEAST_TRAILING_SECONDS * second:
            return size, None
    return size, trailing


def _is_placeholder(size: int, style: ChunkStyle) -> bool:
    if style is WAVE64:
        return size >= 2**48
    return any(low <= size <= high for low, high in _PLACEHOLDERS)
