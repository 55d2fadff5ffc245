"""What the channels of a sound track are: mono, loudspeakers or ambisonics, by what the file says and by its sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from av.audio.stream import AudioStream
from av.container import InputContainer

from earwitness.core.errors import NotStereoError, UnreadableMediaError
from earwitness.media.containers.mp4_boxes import says_ambisonic
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

_ONE_SETUP: Final = frozenset({"aac", "opus", "vorbis", "flac", "alac"})
"""Codecs whose layout MP4 and Matroska declare once for a whole track."""
_ORDERS: Final = (4, 9, 16)
"""Channels of ambisonics of the first to the third order; the first four of higher ones are those of the first."""
_AMBISONIC: Final = (
    "its channels are first-order ambisonics ({}) and are read as two cardioids that face left and right; "
    "--layout surround reads them as loudspeakers"
)
_PERHAPS: Final = (
    "its channels, labelled '{}', may be first-order ambisonics, so directions would be guesses and are left out; "
    "--layout foa (ambiX), fuma or surround says what they are"
)


class ChannelFacts(NamedTuple):
    """What the channels of a track are.

    Attributes:
        rate: samples per second of the first frame.
        name: FFmpeg's name of the layout of the first frame.
        mono: whether there is one channel, as far as was looked.
        layout: what the channels are taken for: "foa", "fuma" or "surround".
        certain: False where they may be ambisonic and nothing more is known: then there is no direction.
        note: what a user should know.
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
    """Look at the first frame of a track and, where that does not tell, at more of them.

    The container is read from its beginning, and is not to be used afterwards.

    Args:
        path: the file, for messages.
        container, stream: the file, open, and its track.
        wanted: what the user says that the channels are.
        find_stereo: whether a track that begins in mono is searched for frames with more channels.

    Raises:
        NotStereoError: ambisonics is asked for, and there are fewer than four channels.
        UnreadableMediaError: nothing can be decoded.
    """
    frames = (frame for frame, _ in SoundDecoder(path, container, stream).raw_frames() if frame is not None)
    first = next(frames, None)
    if first is None:
        raise UnreadableMediaError(f"{path}: nothing of its sound track can be decoded; convert or copy it again")
    count, rate, name = int(first.layout.nb_channels), int(first.sample_rate), str(first.layout.name)
    if wanted in ("foa", "fuma") and count < CHANNELS:
        raise NotStereoError(f"{path}: has {count} channels; first-order ambisonics has {CHANNELS}")
    mono = count == 1
    if mono and find_stereo and _may_change(container, stream):
        mono = all(frame.layout.nb_channels == 1 for frame in frames)
    if wanted != "auto" or count < CHANNELS:
        return ChannelFacts(rate, name, mono, "surround" if wanted == "auto" else wanted)
    said = _said(path, container, channel_names(first))
    if said is not None:
        order = "W, X, Y, Z" if said == "fuma" else "W, Y, Z, X"
        return ChannelFacts(rate, name, mono, said, note=_AMBISONIC.format(order))
    verdict = _analysed(first, frames) if count in _ORDERS else "no"
    if verdict == "foa":
        return ChannelFacts(rate, name, mono, "foa", note=_AMBISONIC.format("W, Y, Z, X"))
    if verdict == "possible":
        return ChannelFacts(rate, name, mono, "surround", certain=False, note=_PERHAPS.format(name))
    return ChannelFacts(rate, name, mono, "surround")


def _analysed(first: Any, frames: Iterator[Any]) -> Verdict:
    """What the sound of the first four channels says."""
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


def _said(path: Path, container: InputContainer, names: tuple[str, ...]) -> Layout | None:
    """The ambisonic order of channels that the file itself states."""
    if is_ambisonic_layout(names):
        return "foa"
    if container.format.name == "wav":
        header = read_wave_header(path)
        return "fuma" if header is not None and header.ambisonic else None
    return "foa" if container.format.name.startswith("mov,") and says_ambisonic(path) else None


def _may_change(container: InputContainer, stream: AudioStream) -> bool:
    """Whether frames of a track may have other channels than its first one."""
    codec = stream.codec_context.name
    fixed = container.format.name.startswith(("mov", "matroska")) and codec in _ONE_SETUP
    return not (fixed or codec.startswith(("pcm", "adpcm")))
