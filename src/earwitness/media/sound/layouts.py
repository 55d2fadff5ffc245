"""Channel layout of an audio track: mono, loudspeakers or ambisonics, from the file's metadata and its content."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from av.audio.stream import AudioStream
from av.container import InputContainer

from earwitness.core.errors import NotStereoError, UnreadableMediaError
from earwitness.media.containers.chunks import says_ambisonic
from earwitness.media.sound.ambisonics import (
    ANALYSED_SECONDS,
    CHANNELS,
    AmbisonicEvidence,
    Layout,
    Verdict,
    is_ambisonic_layout,
)
from earwitness.media.sound.decode import SoundDecoder, channel_names
from earwitness.media.sound.downmix import frame_samples, silence_damage
from earwitness.media.sound.wave_header import read_wave_header

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
