"""The sound of an existing file for a new one: packets copied unchanged where MP4 can hold them, else encoded."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from earwitness.media.audio import AudioReader
from earwitness.media.container import PacketSource, audio_streams, open_media, stamp_seconds, zero_time
from earwitness.media.resample import StereoArray

COPIED_CODECS: Final = frozenset({"aac", "mp3", "ac3", "eac3", "alac"})
AAC_RATES: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_BIT_RATE: Final = 192_000
# AAC in these carries its setup in each packet, which MP4 wants once, in the header.
_HEADERLESS: Final = frozenset({"mpegts", "aac"})


class Soundtrack(Protocol):
    """Sound to be interleaved with pictures."""

    def packets_until(self, seconds: float) -> Iterator[Packet[Any]]:
        """Packets that begin no later than `seconds`, each once, in order."""


class AacEncoder:
    """Stereo blocks in, AAC packets out."""

    def __init__(self, output: OutputContainer, rate: int, *, true_waves: bool = False) -> None:
        """Add a sound track.

        Args:
            output: where to.
            rate: samples per second.
            true_waves: keep to the waves in both channels, level differences among them, rather than to what masks
                what for human ears: no noise in place of noise. Four times as fast too.
        """
        options = {"aac_coder": "fast", "aac_pns": "0"} if true_waves else {}
        self.stream: Any = output.add_stream("aac", rate=rate, layout="stereo", options=options)
        self.stream.bit_rate = _BIT_RATE if rate >= 32000 else _BIT_RATE // 2
        self.rate = rate
        self._samples = 0

    def encode(self, block: StereoArray) -> list[Packet[Any]]:
        """Packets that are ready after (2, n) more samples in [-1, 1]."""
        clipped = np.ascontiguousarray(np.clip(block, -1.0, 1.0), dtype=np.float32)
        frame = AudioFrame.from_ndarray(clipped, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = self.rate, self._samples, Fraction(1, self.rate)
        self._samples += block.shape[1]
        return list(self.stream.encode(frame))

    def finish(self) -> list[Packet[Any]]:
        """The remaining packets."""
        return list(self.stream.encode(None))


class CopiedSoundtrack:
    """Packets of a file's first sound track, unchanged, with times from its container's zero."""

    def __init__(self, source: InputContainer, output: OutputContainer) -> None:
        stream = audio_streams(source)[0]
        self.stream: Any = output.add_stream_from_template(stream)
        self._zero = zero_time(source)
        self._packets = PacketSource(source, stream).packets()
        self._next = next(self._packets, None)
        self._last_dts: int | None = None

    def packets_until(self, seconds: float) -> Iterator[Packet[Any]]:
        """See `Soundtrack`."""
        while self._next is not None and self._time(self._next) <= seconds:
            packet, self._next = self._next, next(self._packets, None)
            # The flushing packet has no stamp, and a muxer refuses stamps that go back.
            if packet.dts is None or (self._last_dts is not None and packet.dts <= self._last_dts):
                continue
            self._last_dts = packet.dts
            shift = round(self._zero / Fraction(packet.time_base))
            packet.dts -= shift
            packet.pts = packet.dts if packet.pts is None else packet.pts - shift
            packet.stream = self.stream
            yield packet

    def _time(self, packet: Packet[Any]) -> float:
        stamp = stamp_seconds(packet.dts, packet.time_base)
        return float("-inf") if stamp is None else float(stamp - self._zero)


class EncodedSoundtrack:
    """A file's sound as stereo AAC."""

    def __init__(self, path: Path, output: OutputContainer) -> None:
        reader = AudioReader(path, mono="allow")
        reader.rate = nearest_rate(reader.source_rate)
        self._encoder = AacEncoder(output, reader.rate)
        self._blocks = iter(reader)
        self._reached = 0.0
        self._done = False

    def packets_until(self, seconds: float) -> Iterator[Packet[Any]]:
        """See `Soundtrack`."""
        while not self._done and self._reached <= seconds:
            block = next(self._blocks, None)
            if block is None:
                self._done = True
                yield from self._encoder.finish()
                return
            self._reached += block.shape[1] / self._encoder.rate
            yield from self._encoder.encode(block)


def can_copy(source: InputContainer) -> bool:
    """Whether the packets of the first sound track can go into an MP4 as they are."""
    return (
        source.format.name not in _HEADERLESS
        and audio_streams(source)[0].codec_context.name.removesuffix("float") in COPIED_CODECS
    )


def has_sound(path: Path) -> bool:
    """Whether a media file has a sound track."""
    with open_media(path) as container:
        return bool(audio_streams(container))


def nearest_rate(rate: int) -> int:
    """The lowest rate of AAC that keeps all of a sound's band; the highest for sounds beyond."""
    return min((known for known in AAC_RATES if known >= rate), default=AAC_RATES[0])
