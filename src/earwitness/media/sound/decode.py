"""Decodes the frames of one audio track, converts them to stereo, and handles blocks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from earwitness.core.errors import UnreadableMediaError
from earwitness.media.containers.container import PacketSource, stamp_seconds, zero_time
from earwitness.media.containers.media_limits import MediaLimits
from earwitness.media.sound.ambisonics import CHANNELS, Layout, ambisonic_stereo
from earwitness.media.sound.downmix import frame_samples, silence_damage, to_stereo
from earwitness.media.sound.resample import StereoArray

_CHECKED_EVERY: Final = 1000
_STEREO: Final = 2


class Sound(NamedTuple):
    """A decoded frame.

    Attributes:
        stereo: (2, n) float32.
        start: seconds from the container's start; None if there is no time stamp.
        rate: samples per second.
        after_loss: whether data was lost just before it.
        mono: whether it has one channel.
    """

    stereo: StereoArray
    start: Fraction | None
    rate: int
    after_loss: bool
    mono: bool


class Tap(Protocol):
    """Receives the original channels of an audio track."""

    def add(self, channels: StereoArray) -> None:
        """Receive (channels, n) samples."""

    def part(self) -> Tap:
        """A tap for another track whose results belong to this one."""


class SoundDecoder:
    """Decodes one audio track.

    Args:
        path: the file, for messages.
        container, stream: the open file and its track.
        layout: interpretation of the channels.
        swap: exchange left and right.
        warn: called with each warning, possibly repeatedly.
        tap: receives the original channels.

    Attributes:
        source_rate, layout_name: sample rate and layout of the first frame.
        corrupt_packets: number of packets that could not be decoded.
        damaged_samples: number of NaN, infinite or far too large samples, which are set to 0.
        read_bytes: position after the last packet.
        lost_until: end of the last packets if they could not be decoded, in seconds from the container's start.
    """

    def __init__(
        self,
        path: Path,
        container: InputContainer,
        stream: AudioStream,
        layout: Layout = "auto",
        *,
        swap: bool = False,
        warn: Callable[[str], None] = lambda _: None,
        tap: Tap | None = None,
    ) -> None:
        self._path, self._container, self._stream, self._layout, self._swap = path, container, stream, layout, swap
        self._limits = MediaLimits.from_environment()
        self.source_rate, self.layout_name = 0, ""
        self.corrupt_packets = self.damaged_samples = self.read_bytes = 0
        self.lost_until: Fraction | None = None
        self._warn, self._tap = warn, tap

    def __iter__(self) -> Iterator[Sound]:
        """Frames in order.

        Raises:
            UnreadableMediaError: no frame can be decoded.
            MediaLimitError: the audio exceeds the limits.
        """
        zero, lost = zero_time(self._container), False
        for frame, after_loss in self.raw_frames(zero):
            lost = lost or after_loss
            if frame is None:
                continue
            start = _after(zero, frame.pts, frame.time_base)
            yield Sound(self._stereo(frame), start, frame.sample_rate, lost, frame.layout.nb_channels == 1)
            lost = False
        if not self.source_rate:
            raise UnreadableMediaError(
                f"{self._path}: its sound track cannot be decoded; convert the file or copy it again"
            )
        if self.corrupt_packets:
            self._warn(f"{self.corrupt_packets} corrupt sound packets were replaced by silence")
        if self.damaged_samples:
            self._warn(f"{self.damaged_samples} samples that are not numbers, or far too large, were set to 0")

    def raw_frames(self, zero: Fraction = Fraction(0)) -> Iterator[tuple[Any, bool]]:
        """PyAV frames, each with False; None and True for a lost packet.

        Raises:
            MediaLimitError: the audio exceeds the limits.
        """
        source = PacketSource(self._container, self._stream)
        packets, samples = 0, 0
        for packet, frames in source.frames():
            packets += 1
            if packets % _CHECKED_EVERY == 0:
                self._limits.check_packets(self._path, packets, samples / max(1, self.source_rate))
            if frames is None:
                self.corrupt_packets, self.lost_until = source.corrupt, _end(packet, zero)
                yield None, True
            for frame in frames or ():
                if not frame.samples or not frame.sample_rate:
                    continue
                if not self.source_rate:
                    self.source_rate, self.layout_name = frame.sample_rate, frame.layout.name
                self._limits.check_sound(self._path, frame.sample_rate, frame.layout.nb_channels)
                samples, self.lost_until = samples + frame.samples, None
                yield frame, False
        self.read_bytes = source.read_bytes
        if source.warning:
            self._warn(source.warning)

    def _stereo(self, frame: Any) -> StereoArray:
        samples = frame_samples(frame)
        self.damaged_samples += silence_damage(samples)
        if self._tap is not None:
            self._tap.add(samples)
        if self._layout in ("foa", "fuma") and samples.shape[0] >= CHANNELS:
            stereo = ambisonic_stereo(samples, self._layout)
        else:
            stereo, known = to_stereo(samples, channel_names(frame) if samples.shape[0] > _STEREO else ())
            if not known:
                self._warn(
                    f"channel layout '{frame.layout.name}' is unknown: its first two channels are used as stereo"
                )
        return stereo[::-1] if self._swap else stereo


def channel_names(frame: Any) -> tuple[str, ...]:
    """FFmpeg's names of a frame's channels."""
    return tuple(channel.name for channel in frame.layout.channels)


def _after(zero: Fraction, pts: int | None, base: Fraction | None) -> Fraction | None:
    """Seconds from `zero` to a time stamp, with a single Fraction for speed."""
    if pts is None or base is None:
        return None
    whole = base.denominator * zero.denominator
    return Fraction(pts * base.numerator * zero.denominator - zero.numerator * base.denominator, whole)


def _end(packet: Any, zero: Fraction) -> Fraction | None:
    start = stamp_seconds(packet.pts, packet.time_base)
    length = stamp_seconds(packet.duration, packet.time_base)
    return None if start is None or length is None else start + length - zero


BLOCK_SECONDS: Final = 1


def joined_channels(left: Iterable[StereoArray], right: Iterable[StereoArray]) -> Iterator[StereoArray]:
    """Blocks (2, n) with the left channel of `left` and the right one of `right`; the shorter input is zero-padded."""
    sources, done = (iter(left), iter(right)), [False, False]
    held = [np.zeros(0, np.float32), np.zeros(0, np.float32)]
    while True:
        for side in (0, 1):
            if not held[side].size and not done[side]:
                block = next(sources[side], None)
                done[side] = block is None
                held[side] = held[side] if block is None else block[0]
        if all(done) and not held[0].size and not held[1].size:
            return
        ready = [part.size for part, over in zip(held, done, strict=True) if part.size or not over]
        count = min(ready)
        yield np.stack([np.pad(part[:count], (0, count - part[:count].size)) for part in held])
        held = [part[count:] for part in held]


def mark_last(sounds: Iterator[Sound]) -> Iterator[tuple[Sound, bool]]:
    """Each frame, and whether it is the last one."""
    held: Sound | None = None
    for sound in sounds:
        if held is not None:
            yield held, False
        held = sound
    if held is not None:
        yield held, True


def without_padding(sound: Sound, declared_end: Fraction | None) -> StereoArray:
    """The last frame up to the declared end, without the encoder's padding."""
    if declared_end is None or sound.start is None:
        return sound.stereo
    keep = round((declared_end - sound.start) * sound.rate)
    return sound.stereo[:, :keep] if 0 < keep < sound.stereo.shape[1] else sound.stereo


def silence(rate: int, samples: int, parts: list[StereoArray]) -> Iterator[tuple[int, StereoArray]]:
    """Silence in blocks of at most a second; an incomplete last block is added to `parts`."""
    if samples > rate * BLOCK_SECONDS:
        yield from join(rate, parts)
    while samples > rate * BLOCK_SECONDS:
        yield rate, np.zeros((2, rate * BLOCK_SECONDS), np.float32)
        samples -= rate * BLOCK_SECONDS
    if samples:
        parts.append(np.zeros((2, samples), np.float32))


def join(rate: int, parts: list[StereoArray]) -> Iterator[tuple[int, StereoArray]]:
    """Concatenate and clear `parts`; yields nothing if there are none."""
    if parts:
        yield rate, np.concatenate(parts, axis=1)
        parts.clear()
