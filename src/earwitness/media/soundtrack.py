"""Audio of an existing file for a new MP4: packets are copied if MP4 supports the codec, else re-encoded."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from earwitness.media.containers.container import PacketSource, audio_streams, open_media, zero_time
from earwitness.media.containers.sound_tracks import Track
from earwitness.media.sound.audio import AudioReader
from earwitness.media.sound.resample import StereoArray
from earwitness.media.timeline import MAX_JUMP_SECONDS, MAX_OVERLAP_SECONDS

COPIED_CODECS: Final = frozenset({"aac", "mp3", "ac3", "eac3", "alac"})
AAC_RATES: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_BIT_RATE: Final = 192_000
# In these formats each AAC packet carries the decoder configuration, which MP4 needs once, in its header.
_HEADERLESS: Final = frozenset({"mpegts", "aac"})


class Soundtrack(Protocol):
    """Audio packets to be interleaved with video packets."""

    def packets_until(self, seconds: float) -> Iterator[Packet[Any]]:
        """Remaining packets that begin at or before `seconds`, in order."""


class AacEncoder:
    """Encodes stereo blocks as AAC packets."""

    def __init__(self, output: OutputContainer, rate: int, *, true_waves: bool = False) -> None:
        """Add an audio track.

        Args:
            output: container to write to.
            rate: samples per second.
            true_waves: preserve the waveforms and level differences of both channels, without perceptual noise
                substitution. Also four times as fast.
        """
        options = {"aac_coder": "fast", "aac_pns": "0"} if true_waves else {}
        self.stream: Any = output.add_stream("aac", rate=rate, layout="stereo", options=options)
        self.stream.bit_rate = _BIT_RATE if rate >= 32000 else _BIT_RATE // 2
        self.rate = rate
        self._samples = 0

    def encode(self, block: StereoArray) -> list[Packet[Any]]:
        """Encode (2, n) samples in [-1, 1]; returns the packets that are ready."""
        clipped = np.ascontiguousarray(np.clip(block, -1.0, 1.0), dtype=np.float32)
        frame = AudioFrame.from_ndarray(clipped, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = self.rate, self._samples, Fraction(1, self.rate)
        self._samples += block.shape[1]
        return list(self.stream.encode(frame))

    def finish(self) -> list[Packet[Any]]:
        """The remaining packets."""
        return list(self.stream.encode(None))


class CopiedSoundtrack:
    """Unchanged packets of an audio track; times count from the container's start, and clock restarts are removed."""

    def __init__(self, source: InputContainer, output: OutputContainer, track: int = 0) -> None:
        stream = audio_streams(source)[track]
        self.stream: Any = output.add_stream_from_template(stream)
        base = Fraction(stream.time_base or Fraction(1, 1_000_000))
        self._second = 1 / base
        self._shift = -round(zero_time(source) / base)
        self._last: tuple[int, int] | None = None
        self._packets = self._placed(PacketSource(source, stream).packets())
        self._next = next(self._packets, None)

    def packets_until(self, seconds: float) -> Iterator[Packet[Any]]:
        """See `Soundtrack`."""
        while self._next is not None and self._next[0] <= seconds * self._second:
            (_, packet), self._next = self._next, next(self._packets, None)
            packet.stream = self.stream
            yield packet

    def _placed(self, packets: Iterator[Packet[Any]]) -> Iterator[tuple[int, Packet[Any]]]:
        for packet in packets:
            if packet.dts is None:  # the flush packet
                continue
            dts = packet.dts + self._shift
            if self._last is not None:
                last, length = self._last
                if not last - MAX_OVERLAP_SECONDS * self._second <= dts <= last + MAX_JUMP_SECONDS * self._second:
                    self._shift += last + length - dts
                    dts = last + length
                if dts <= last:  # muxers reject decreasing time stamps
                    continue
            packet.pts = dts if packet.pts is None else packet.pts + self._shift
            packet.dts = dts
            # All packets of these codecs have the same length; before a jump, MP4 stores the jump as the length.
            length = packet.duration or 1
            self._last = dts, length if self._last is None else min(length, self._last[1])
            yield dts, packet


class EncodedSoundtrack:
    """Audio of a file, re-encoded as stereo AAC."""

    def __init__(self, path: Path, output: OutputContainer, track: Track | None = None) -> None:
        reader = AudioReader(path, mono="allow", track=track)
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


def can_copy(source: InputContainer, track: int = 0) -> bool:
    """Whether the packets of an audio track can be copied to MP4."""
    return (
        source.format.name not in _HEADERLESS
        and audio_streams(source)[track].codec_context.name.removesuffix("float") in COPIED_CODECS
    )


def has_sound(path: Path) -> bool:
    """Whether a media file has an audio track."""
    with open_media(path) as container:
        return bool(audio_streams(container))


def nearest_rate(rate: int) -> int:
    """Lowest AAC sample rate that is at least `rate`; the highest one if there is none."""
    return min((known for known in AAC_RATES if known >= rate), default=AAC_RATES[0])
