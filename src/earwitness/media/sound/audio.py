"""Stereo sound out of any media file, block by block, placed by its time stamps."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from earwitness.core.errors import NoAudioError, NotStereoError, UnreadableMediaError
from earwitness.media.containers.container import (
    PacketSource,
    audio_streams,
    container_duration,
    open_media,
    picture_stream,
    stamp_seconds,
    zero_time,
)
from earwitness.media.pictures.pictures import picture_seconds
from earwitness.media.sound.downmix import frame_samples, to_stereo
from earwitness.media.sound.resample import StereoArray, StreamResampler
from earwitness.media.sound.wave_header import declared_seconds
from earwitness.media.timeline import SampleClock

DEFAULT_RATE: Final = 24_000
DUAL_MONO_DIFFERENCE: Final = 1e-3
"""Below this ratio of peak |L - R| to peak level (-60 dB) two channels carry the same sound."""
_BLOCK_SECONDS: Final = 1
_TRUNCATED_SECONDS: Final = 0.5
_GUESSED_DURATIONS: Final = frozenset({"mp3", "aac", "mpegts", "mpeg"})


class _Sound(NamedTuple):
    """A decoded frame: stereo (2, n), seconds from the container's zero, its rate, whether data was lost before it."""

    stereo: StereoArray
    start: Fraction | None
    rate: int
    after_loss: bool


class AudioReader:
    """Iterates over blocks of (2, n) float32 at `rate`, about a second each; memory does not grow with length.

    Sample i of all blocks together lies i / rate seconds after the container's zero: a late start and gaps in the
    time stamps become silence, overlaps are cut, corrupt packets are skipped with their time kept. Layouts of more
    than two channels are mixed down (`downmix.stereo_matrix`). Each iteration reads the file anew and resets the
    statistics, which are complete when it ends.

    Attributes:
        source_rate, layout: of the sound track as decoded, which may differ from what it declares.
        start_seconds: silence before the first sound.
        gap_seconds, gaps: silence filled in between, and in how many places.
        corrupt_packets: packets that could not be decoded.
        channel_difference: peak of |L - R| relative to the peak level; 0 while silent.
        samples: samples at `rate` handed out so far.
        warnings: what a user should know about the file.
    """

    def __init__(
        self,
        path: str | Path,
        rate: int = DEFAULT_RATE,
        mono: Literal["error", "allow"] = "error",
        track: int = 0,
        swap: bool = False,
    ) -> None:
        """Open the file and decode its first frame.

        Args:
            path: a video or audio file.
            rate: samples per second to deliver.
            mono: whether a mono track is an error, or is delivered on both channels.
            track: which sound track, from 0.
            swap: exchange left and right.

        Raises:
            UnreadableMediaError: the file cannot be opened, or nothing of its sound be decoded.
            NoAudioError: there is no sound track, or not so many.
            NotStereoError: the track is mono and `mono` is "error".
        """
        self.path, self.rate, self.track, self.swap = Path(path), rate, track, swap
        self._allow_mono = mono == "allow"
        self.source_rate, self.layout, self._mono = 0, "", False
        self._reset()
        with open_media(self.path) as container:
            next(self._decoded(container, self._stream(container)))
        self._reset()

    def __iter__(self) -> Iterator[StereoArray]:
        """Blocks of (2, n) float32, n > 0."""
        self._reset()
        with open_media(self.path) as container:
            resampler: StreamResampler | None = None
            rate = 0
            for rate_in, block in self._blocks(container, self._stream(container)):
                if resampler is None or rate_in != rate:
                    if resampler is not None:
                        yield from self._deliver(resampler.finish())
                    resampler, rate = StreamResampler(rate_in, self.rate), rate_in
                yield from self._deliver(resampler.push(block))
            if resampler is not None:
                yield from self._deliver(resampler.finish())

    @property
    def duration(self) -> float:
        """Seconds handed out so far."""
        return self.samples / self.rate

    @property
    def channel_difference(self) -> float:
        """Peak of |L - R| relative to the peak level, so far."""
        return self._peak_difference / self._peak if self._peak > 0 else 0.0

    @property
    def dual_mono(self) -> bool:
        """Whether, so far, both channels of a stereo track carried the same sound."""
        return self._peak > 0 and self.channel_difference < DUAL_MONO_DIFFERENCE

    @property
    def directional(self) -> bool:
        """Whether the sound can tell left from right: neither mono nor dual mono so far."""
        return not (self._mono or self.dual_mono)

    def _reset(self) -> None:
        self.start_seconds = self.gap_seconds = 0.0
        self.gaps = self.corrupt_packets = self.samples = 0
        self._peak = self._peak_difference = 0.0
        self._lost_until: Fraction | None = None
        self.warnings: list[str] = []

    def _stream(self, container: InputContainer) -> AudioStream:
        streams = audio_streams(container)
        if not streams:
            raise NoAudioError(f"{self.path}: has no sound track; earwitness needs a file with sound")
        if not 0 <= self.track < len(streams):
            raise NoAudioError(f"{self.path}: has no sound track {self.track}; its tracks are 0..{len(streams) - 1}")
        stream = streams[self.track]
        stream.codec_context.thread_count = 1
        return stream

    def _decoded(self, container: InputContainer, stream: AudioStream) -> Iterator[_Sound]:
        """Frames in stereo as the decoder gives them."""
        source = PacketSource(container, stream)
        zero, decoded, lost = zero_time(container), False, False
        for packet, frames in source.frames():
            self.corrupt_packets = source.corrupt
            lost = lost or frames is None
            if frames is None:
                self._lost_until = _end(packet, zero)
            for frame in frames or ():
                if not frame.samples or not frame.sample_rate:
                    continue
                start = stamp_seconds(frame.pts, frame.time_base)
                yield _Sound(
                    self._stereo(frame, first=not decoded),
                    None if start is None else start - zero,
                    frame.sample_rate,
                    lost,
                )
                decoded, lost, self._lost_until = True, False, None
        if source.warning:
            self._warn(source.warning)
        if not decoded:
            raise UnreadableMediaError(
                f"{self.path}: nothing of its sound track can be decoded; convert or copy it again"
            )
        if self.corrupt_packets:
            self._warn(f"{self.corrupt_packets} corrupt sound packets were replaced by silence")

    def _stereo(self, frame: Any, *, first: bool) -> StereoArray:
        mono = frame.layout.nb_channels == 1
        if first:
            if mono and not self._allow_mono:
                raise NotStereoError(
                    f"{self.path}: its sound is mono and carries no direction; allow mono to get events without one"
                )
            self.source_rate, self.layout, self._mono = frame.sample_rate, frame.layout.name, mono
        stereo, known = to_stereo(frame_samples(frame), tuple(channel.name for channel in frame.layout.channels))
        if not known:
            self._warn(f"channel layout '{frame.layout.name}' is unknown: its first two channels are taken for stereo")
        return stereo[::-1] if self.swap else stereo

    def _blocks(self, container: InputContainer, stream: AudioStream) -> Iterator[tuple[int, StereoArray]]:
        """Blocks of about a second at the source's rate, gaps filled."""
        declared_end = _declared_end(container, stream)
        clock = SampleClock(self.source_rate)
        parts: list[StereoArray] = []
        for sound, last in _mark_last(self._decoded(container, stream)):
            if sound.rate != clock.rate:
                yield from _join(clock.rate, parts)
                clock.change_rate(sound.rate)
            stereo = _without_padding(sound, declared_end) if last else sound.stereo
            placed = clock.place(sound.start, stereo.shape[1], exact=sound.after_loss)
            yield from _silence(clock.rate, placed.silence, parts)
            parts.append(self._measured(stereo[:, placed.skip :]))
            if sum(part.shape[1] for part in parts) >= clock.rate * _BLOCK_SECONDS:
                yield from _join(clock.rate, parts)
        if self._lost_until is not None:
            yield from _silence(clock.rate, clock.pad_to(self._lost_until), parts)
        yield from _join(clock.rate, parts)
        self._report(clock, declared_end, container)

    def _measured(self, stereo: StereoArray) -> StereoArray:
        if stereo.shape[1]:
            self._peak = max(self._peak, float(np.abs(stereo).max()))
            self._peak_difference = max(self._peak_difference, float(np.abs(stereo[0] - stereo[1]).max()))
        return stereo

    def _report(self, clock: SampleClock, declared_end: Fraction | None, container: InputContainer) -> None:
        self.start_seconds, self.gap_seconds = clock.start_samples / clock.rate, clock.gap_samples / clock.rate
        self.gaps = clock.gaps
        if clock.gaps:
            self._warn(f"{clock.gaps} gaps of together {self.gap_seconds:.2f} s in the sound were filled with silence")
        if clock.restarts:
            self._warn(f"the time stamps of the sound jump {clock.restarts} times; times after a jump may be off")
        end = clock.position / clock.rate
        declared = self._unfilled(end, container) if declared_end is None else float(declared_end)
        if declared - end > _TRUNCATED_SECONDS and not clock.restarts:
            self._warn(f"the file is cut short: sound until {end:.1f} s of {declared:.1f} s")

    def _unfilled(self, end: float, container: InputContainer) -> float:
        """The length that a container with pictures declares for all, if the pictures do not fill it either; else 0."""
        declared = container_duration(container) or 0.0
        if container.format.name in _GUESSED_DURATIONS or declared - end <= _TRUNCATED_SECONDS:
            return 0.0
        return declared if declared - picture_seconds(self.path) > _TRUNCATED_SECONDS else 0.0

    def _deliver(self, block: StereoArray) -> Iterator[StereoArray]:
        if block.shape[1]:
            self.samples += block.shape[1]
            yield np.ascontiguousarray(block)

    def _warn(self, message: str) -> None:
        if message not in self.warnings:
            self.warnings.append(message)


def read_audio(
    path: str | Path,
    rate: int = DEFAULT_RATE,
    mono: Literal["error", "allow"] = "error",
    track: int = 0,
    swap: bool = False,
) -> StereoArray:
    """All of a file's sound as (2, N) float32 at `rate`; arguments and errors as `AudioReader`."""
    blocks = list(AudioReader(path, rate, mono, track, swap))
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((2, 0), np.float32)


def _mark_last(sounds: Iterator[_Sound]) -> Iterator[tuple[_Sound, bool]]:
    held: _Sound | None = None
    for sound in sounds:
        if held is not None:
            yield held, False
        held = sound
    if held is not None:
        yield held, True


def _without_padding(sound: _Sound, declared_end: Fraction | None) -> StereoArray:
    """The last frame up to the declared end: what lies behind only fills up the encoder's frame."""
    if declared_end is None or sound.start is None:
        return sound.stereo
    keep = round((declared_end - sound.start) * sound.rate)
    return sound.stereo[:, :keep] if 0 < keep < sound.stereo.shape[1] else sound.stereo


def _declared_end(container: InputContainer, stream: AudioStream) -> Fraction | None:
    """Where the file says that its sound ends, in seconds from the container's zero."""
    if container.format.name in _GUESSED_DURATIONS:
        return None
    if container.format.name == "wav":
        return declared_seconds(Path(container.name))
    start = stamp_seconds(stream.start_time, stream.time_base) or Fraction(0)
    duration = stamp_seconds(stream.duration, stream.time_base)
    if duration is not None and duration > 0:
        return start + duration - zero_time(container)
    whole = container_duration(container)
    return Fraction(whole) if whole is not None and picture_stream(container) is None else None


def _end(packet: Any, zero: Fraction) -> Fraction | None:
    start = stamp_seconds(packet.pts, packet.time_base)
    length = stamp_seconds(packet.duration, packet.time_base)
    return None if start is None or length is None else start + length - zero


def _silence(rate: int, samples: int, parts: list[StereoArray]) -> Iterator[tuple[int, StereoArray]]:
    """Silence in blocks of at most a second; what does not fill one is left in `parts`."""
    if samples > rate * _BLOCK_SECONDS:
        yield from _join(rate, parts)
    while samples > rate * _BLOCK_SECONDS:
        yield rate, np.zeros((2, rate * _BLOCK_SECONDS), np.float32)
        samples -= rate * _BLOCK_SECONDS
    if samples:
        parts.append(np.zeros((2, samples), np.float32))


def _join(rate: int, parts: list[StereoArray]) -> Iterator[tuple[int, StereoArray]]:
    if parts:
        yield rate, np.concatenate(parts, axis=1)
        parts.clear()
