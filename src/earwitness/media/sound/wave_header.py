"""What the header of a WAV file says, checked against the file: RIFF, RF64, BW64 and Wave64; the one reader of these.

Files of plain samples need not be searched for other codecs: that takes longer than reading them. And the size that a
header declares is often wrong, in both directions: writers that stream cannot know it, recorders that crash do not
correct it, above 4 GB it wraps around, and files that were cut short or joined keep it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

from earwitness.media.containers.chunks import RIFF, WAVE64, Behind, ChunkStyle, chunks, what_follows

_LOOKED_AT: Final = 2**16
_KINDS: Final = (b"RIFF", b"RF64", b"BW64")
_WAVE64: Final = bytes.fromhex("726966662e91cf11a5d628db04c10000")
PCM: Final = 0x0001
_FLOAT: Final = 0x0003
_BY_BLOCKS: Final = (0x0002, 0x0011)
"""Microsoft's and IMA's ADPCM, whose format chunk says how many samples a block holds."""
_BYTEWISE: Final = (PCM, _FLOAT, 0x0006, 0x0007)
"""Integers, floats, A-law and mu-law: a block is a sample of each channel."""
_EXTENSIBLE: Final = 0xFFFE
_AMBISONIC: Final = bytes.fromhex("2107d3118644c8c1ca000000")
"""End of the subformats of .amb files: B-format in the order and with the gains of Furse and Malham."""
_WRAPPED: Final = tuple(
    bytes.fromhex(text) for text in ("1fffe800", "ff1f00e8", "7ffe8001", "fe7f0180", "f8724e1f", "72f81f4e")
)
"""What DTS (ETSI TS 102 114) and IEC 61937 begin their frames with: some discs hide them so."""
_UNKNOWN: Final = 2**32 - 1
"""Size whose true value stands in a chunk of its own (RF64, EBU Tech 3306)."""
_STREAMED: Final = ((2**31 - 2**16, 2**31), (2**32 - 2**16, 2**32))
"""Sizes that writers to a pipe put in place of what they cannot know: the most that fits, less a header or a page."""
_LEAST_BEHIND_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class WaveHeader:
    """The header of a WAV file.

    Attributes:
        tag: format tag; of an extensible header that of its subformat.
        channels: number of channels.
        rate: samples per second.
        bits: of a sample, in the file.
        block_bytes: bytes of a block.
        block_samples: samples per channel of a block; 0 where the header does not say.
        data_start: byte at which the samples begin.
        data_bytes: their declared size; None where the writer did not know it.
        file_bytes: size of the file.
        fact_samples: samples per channel by the `fact` chunk; 0 without one.
        ambisonic: whether the subformat is B-format.
        behind: what lies behind the declared end that no chunk accounts for; None for nothing.
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
    behind: Behind | None

    @property
    def goes_on(self) -> bool:
        """Whether the sound goes on behind its declared end, so that the size is to be ignored."""
        return self.behind is not None and self.behind.kind == "sound"

    @property
    def bytes_there(self) -> int:
        """Bytes of samples that can be read."""
        to_end = max(0, self.file_bytes - self.data_start)
        return to_end if self.data_bytes is None or self.goes_on else min(to_end, self.data_bytes)

    @property
    def samples_there(self) -> int:
        """Samples per channel that can be read; 0 where that depends on the codec."""
        return self._samples(self.bytes_there)

    @property
    def declared_samples(self) -> int | None:
        """Samples per channel by the declared size; None where it is not known or depends on the codec."""
        if self.data_bytes is None or not self.block_samples:
            return None
        return self._samples(self.data_bytes)

    @property
    def declared_seconds(self) -> Fraction | None:
        """Length by the declared size; None where it is not known."""
        samples = self.declared_samples
        if samples is None and self.data_bytes is not None and self.data_start + self.data_bytes > self.file_bytes:
            samples = self.fact_samples  # of a codec whose length only decoding tells, if its data is cut short
        return Fraction(samples, self.rate) if samples and self.rate else None

    @property
    def behind_seconds(self) -> float:
        """Length of what lies behind the declared end, by the size of the samples before it."""
        if self.behind is None or not self.rate:
            return 0.0
        return self._samples(self.behind.size) / self.rate

    def _samples(self, size: int) -> int:
        if not self.block_bytes or not self.block_samples:
            return 0
        whole = size // self.block_bytes * self.block_samples
        if self.fact_samples and self.block_samples > 1 and whole - self.block_samples < self.fact_samples <= whole:
            return self.fact_samples  # the last block is filled up
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
    """Read the header of a WAV file; None for what is none, or has no format or no samples.

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
    """Whether a file is a WAV file whose header says everything about its samples."""
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    if start[:4] not in _KINDS or not file_is_wave(start):
        return False
    header = read_wave_header(path)
    return header is not None and header.tag in (PCM, _FLOAT) and not any(mark in start for mark in _WRAPPED)


def declared_seconds(path: Path) -> Fraction | None:
    """How long the samples of a WAV file last by its header; None where it does not say, as after a pipe."""
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
            known, behind = _checked(file, style, begin, declared, form, file_bytes)
            return WaveHeader(
                form.tag, form.channels, form.rate, form.bits, form.block_bytes, form.block_samples,
                begin, known, file_bytes, fact, form.ambisonic, behind,
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
    if tag in _BYTEWISE:
        # Writers are known to err in what can be computed.
        block, samples = channels * ((bits + 7) // 8), 1
    elif tag in _BY_BLOCKS and len(chunk) >= 20:
        samples = int.from_bytes(chunk[18:20], "little")
    return _Format(tag, channels, rate, bits, block, samples, ambisonic)


def _checked(
    file: BinaryIO, style: ChunkStyle, begin: int, size: int, form: _Format, file_bytes: int
) -> tuple[int | None, Behind | None]:
    """The declared size, None where it stands for none, and what lies behind."""
    if size == 0:
        follows = what_follows(file, style, begin, file_bytes)
        return (None, None) if follows is not None and follows.kind == "sound" else (0, follows)
    if begin + size >= file_bytes:
        return (None if _is_placeholder(size, style) and begin + size > file_bytes else size), None
    behind = what_follows(file, style, begin + size, file_bytes, style.padding(size))
    if behind is not None and behind.kind == "sound":
        second = form.rate * max(1, form.block_bytes) / max(1, form.block_samples)
        if behind.size < _LEAST_BEHIND_SECONDS * second:
            return size, None
    return size, behind


def _is_placeholder(size: int, style: ChunkStyle) -> bool:
    if style is WAVE64:
        return size >= 2**48
    return any(low <= size <= high for low, high in _STREAMED)
