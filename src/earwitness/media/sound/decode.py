"""Decodes one audio track to stereo: its channel layout, its frames, and blocks of them.

The layout is mono, loudspeakers or ambisonics, by the file's metadata and its content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from earwitness.core.errors import NotStereoError, UnreadableMediaError
from earwitness.media.containers.chunks import says_ambisonic
from earwitness.media.containers.container import PacketSource, stamp_seconds, zero_time
from earwitness.media.containers.media_limits import MediaLimits
from earwitness.media.sound.conversion import (
    ANALYSED_SECONDS,
    CHANNELS,
    AmbisonicEvidence,
    Layout,
    StereoArray,
    Verdict,
    ambisonic_stereo,
    frame_samples,
    is_ambisonic_layout,
    silence_damage,
    to_stereo,
)
from earwitness.media.sound.wave_header import read_wave_header

_CHECKED_EVERY: Final = 1000
_STEREO: Final = 2

_CONSTANT_LAYOUT: Final = frozenset({"aac", "opus", "vorbis", "flac", "alac"})
"""Codecs whose layout is constant within a track in MP4 and Matroska."""
_ORDERS: Final = (4, 9, 16)
"""Channel counts of ambisonics of orders 1 to 3; the first four channels are always those of the first order."""
_AMBISONIC: Final = (
    "its channels are first-order ambisonics ({}) and are converted to two cardioids that face left and right; "
    "--layout surround reads them as loudspeakers"
)
_UNCERTAIN: Final = (
    "its channels, labelled '{}', may be first-order ambisonics, so no directions are reported; "
    "choose --layout foa (ambiX), fuma or surround"
)


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


class ChannelFacts(NamedTuple):
    """Channel layout of a track.

    Attributes:
        rate: samples per second of the first frame.
        name: FFmpeg's name of the layout of the first frame.
        mono: whether all examined frames have one channel.
        layout: interpretation of the channels: "foa", "fuma" or "surround".
        certain: False if the channels may be ambisonic, so that directions are unknown.
        note: note for the user; may be empty.
    """

    rate: int
    name: str
    mono: bool
    layout: Layout
    certain: bool = True
    note: str = ""


def channel_facts(
    path: Path, container: InputContainer, stream: AudioStream, wanted: Layout = "auto", *, find_stereo: bool = False
) -> ChannelFacts:
    """Determine the channel layout from the first frame of a track, or from more frames if necessary.

    The container is read from its current position and must not be used afterwards.

    Args:
        path: the file, for messages.
        container, stream: the open file and its track.
        wanted: layout requested by the user.
        find_stereo: whether to search a track that starts in mono for frames with more channels.

    Raises:
        NotStereoError: ambisonics is requested, but the track has fewer than four channels.
        UnreadableMediaError: no frame can be decoded.
    """
    frames = (frame for frame, _ in SoundDecoder(path, container, stream).raw_frames() if frame is not None)
    first = next(frames, None)
    if first is None:
        raise UnreadableMediaError(f"{path}: its sound track cannot be decoded; convert the file or copy it again")
    count, rate, name = int(first.layout.nb_channels), int(first.sample_rate), str(first.layout.name)
    if wanted in ("foa", "fuma") and count < CHANNELS:
        raise NotStereoError(f"{path}: has {count} channels; first-order ambisonics has {CHANNELS}")
    mono = count == 1
    if mono and find_stereo and _may_change(container, stream):
        mono = all(frame.layout.nb_channels == 1 for frame in frames)
    if wanted != "auto" or count < CHANNELS:
        return ChannelFacts(rate, name, mono, "surround" if wanted == "auto" else wanted)
    declared = _declared_layout(path, container, channel_names(first))
    if declared is not None:
        order = "W, X, Y, Z" if declared == "fuma" else "W, Y, Z, X"
        return ChannelFacts(rate, name, mono, declared, note=_AMBISONIC.format(order))
    verdict = _content_verdict(first, frames) if count in _ORDERS else "no"
    if verdict == "foa":
        return ChannelFacts(rate, name, mono, "foa", note=_AMBISONIC.format("W, Y, Z, X"))
    if verdict == "possible":
        return ChannelFacts(rate, name, mono, "surround", certain=False, note=_UNCERTAIN.format(name))
    return ChannelFacts(rate, name, mono, "surround")


def _content_verdict(first: Any, frames: Iterator[Any]) -> Verdict:
    """Result of the content analysis of the first four channels."""
    evidence, left = AmbisonicEvidence(first.sample_rate), ANALYSED_SECONDS * first.sample_rate
    count = first.layout.nb_channels
    frame: Any = first
    while frame is not None and left > 0 and frame.layout.nb_channels == count:
        samples = frame_samples(frame)
        silence_damage(samples)
        evidence.add(samples)
        left -= frame.samples
        frame = next(frames, None)
    return evidence.verdict()


def _declared_layout(path: Path, container: InputContainer, names: tuple[str, ...]) -> Layout | None:
    """The ambisonic layout that the file declares; None if it declares none."""
    if is_ambisonic_layout(names):
        return "foa"
    if container.format.name == "wav":
        header = read_wave_header(path)
        return "fuma" if header is not None and header.ambisonic else None
    return "foa" if container.format.name.startswith("mov,") and says_ambisonic(path) else None


def _may_change(container: InputContainer, stream: AudioStream) -> bool:
    """Whether later frames of a track can have another layout than the first one."""
    codec = stream.codec_context.name
    fixed = container.format.name.startswith(("mov", "matroska")) and codec in _CONSTANT_LAYOUT
    return not (fixed or codec.startswith(("pcm", "adpcm")))
