"""Describes the contents of a media file; only the first picture is decoded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from earwitness.core.errors import UnreadableMediaError
from earwitness.media.containers.container import (
    PacketSource,
    audio_streams,
    container_duration,
    open_media,
    picture_stream,
    stamp_seconds,
    zero_time,
)
from earwitness.media.containers.media_limits import MediaLimits
from earwitness.media.containers.sound_tracks import choose_track
from earwitness.media.pictures import Orientation, square_width


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The audio track that is read by default.

    Attributes:
        rate: samples per second.
        channels: declared number of channels.
        layout: FFmpeg's name of the channel layout, such as "stereo" or "5.1".
        codec: FFmpeg's name of the codec.
        start: seconds after the container's zero.
        tracks: number of audio tracks in the file.
        track: number of this track, from 0; the left one of two joined mono tracks.
        joined: number of the right one of two joined mono tracks; otherwise None.
    """

    rate: int
    channels: int
    layout: str
    codec: str
    start: float
    tracks: int = 1
    track: int = 0
    joined: int | None = None


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """The first video track.

    Attributes:
        width, height: displayed size in pixels: after rotation, with square pixels.
        fps: average frames per second; 0 if unknown.
        rotation: counter-clockwise rotation for display, in degrees.
        start: seconds after the container's zero.
        is_still: whether there is only one picture, as in a photograph.
        duration: seconds; None if the file does not declare it.
        codec: FFmpeg's name of the codec.
    """

    width: int
    height: int
    fps: float
    rotation: int
    start: float
    is_still: bool
    duration: float | None
    codec: str = ""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A media file.

    Attributes:
        path: the file.
        duration: declared duration in seconds; 0 if unknown.
        audio: the default audio track; None if there is none.
        video: the first video track, not counting cover art; None if there is none.
        pictures: the file with the pictures, if it is not `path`.
        start: time stamp of the container's start in seconds, which is time 0 of all results; it may be negative.
    """

    path: Path
    duration: float
    audio: AudioInfo | None
    video: VideoInfo | None
    pictures: Path | None = None
    start: float = 0.0

    @property
    def picture_path(self) -> Path:
        """The file that contains the pictures."""
        return self.pictures or self.path


def probe(path: str | Path) -> MediaInfo:
    """Read the properties of a media file.

    Raises:
        UnreadableMediaError: the file is missing, empty, a folder, not a media file, or has neither sound nor pictures.
    """
    path = Path(path)
    with open_media(path) as container:
        audio, video = _audio(path, container), _video(container)
        if audio is None and video is None:
            raise UnreadableMediaError(f"{path}: has neither sound nor pictures; name a video or audio file")
        start = float(zero_time(container))
        return MediaInfo(path, container_duration(container) or 0.0, audio, video, start=start)


def probe_pair(sound: str | Path, pictures: str | Path | None) -> MediaInfo:
    """Read the properties of a file whose pictures may be in a second file that starts at the same time.

    Raises:
        UnreadableMediaError: as `probe`.
    """
    media = probe(sound)
    if pictures is None:
        return media
    return replace(media, video=probe(pictures).video, pictures=Path(pictures))


def _audio(path: Path, container: InputContainer) -> AudioInfo | None:
    streams = audio_streams(container)
    if not streams:
        return None
    chosen = choose_track(path, streams, None).track
    track, joined = (chosen, None) if isinstance(chosen, int) else chosen
    context = streams[track].codec_context
    return AudioInfo(
        rate=int(context.sample_rate or 0),
        channels=int(context.layout.nb_channels),
        layout=context.layout.name,
        codec=context.name,
        start=_start(container, streams[track]),
        tracks=len(streams),
        track=track,
        joined=joined,
    )


def _video(container: InputContainer) -> VideoInfo | None:
    stream = picture_stream(container)
    if stream is None:
        return None
    start, duration = _start(container, stream), stamp_seconds(stream.duration, stream.time_base)
    width, height, rotation = _shown_size(container, stream)
    return VideoInfo(
        width=width,
        height=height,
        fps=float(stream.average_rate or stream.guessed_rate or 0),
        rotation=rotation,
        start=start,
        is_still=_is_still(container, stream),
        duration=None if duration is None else float(duration),
        codec=stream.codec_context.name,
    )


def _is_still(container: InputContainer, stream: VideoStream) -> bool:
    """Whether there is only one picture; if the header has no frame count (Matroska), the packets are counted."""
    if "image" in container.format.name or container.format.name.endswith("_pipe"):
        return True
    if stream.frames:
        return stream.frames == 1
    try:
        container.seek(0)
    except av.FFmpegError:  # not seekable, so that the packets cannot be counted
        return False
    packets = (packet for packet in PacketSource(container, stream).packets() if packet.size)
    return next(packets, None) is not None and next(packets, None) is None


def _shown_size(container: InputContainer, stream: VideoStream) -> tuple[int, int, int]:
    """Width, height and rotation of the first picture; size in the header if no picture can be decoded."""
    context = stream.codec_context
    context.thread_count = 1
    if context.width * context.height > MediaLimits.from_environment().max_pixels:  # too large to decode
        return context.width, context.height, 0
    try:
        frame: Any = next((frames[0] for _, frames in PacketSource(container, stream).frames() if frames), None)
    except av.FFmpegError:
        frame = None
    if frame is None:
        return stream.codec_context.width, stream.codec_context.height, 0
    orientation = Orientation.of(frame)
    width, height = orientation.size(square_width(frame, stream.sample_aspect_ratio), frame.height)
    return width, height, orientation.rotation


def _start(container: InputContainer, stream: AudioStream | VideoStream) -> float:
    start = stamp_seconds(stream.start_time, stream.time_base)
    return 0.0 if start is None else float(start - zero_time(container))
