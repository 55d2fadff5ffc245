"""Writes videos: H.264 and AAC in MP4, with variable frame times and the original audio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypedDict, Unpack

import av
import numpy as np
from av.codec import codecs_available
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from earwitness.core.errors import EncodingError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.memory import growth_in_place, release_memory
from earwitness.media.containers.container import audio_streams, open_media
from earwitness.media.containers.sound_tracks import Track, choose_track
from earwitness.media.remux import (
    AacEncoder,
    CopiedSoundtrack,
    EncodedSoundtrack,
    Soundtrack,
    can_copy,
    has_sound,
    nearest_rate,
)
from earwitness.media.sound.conversion import StereoArray
from earwitness.media.sound.wav import write_wav

__all__ = ["MediaWriter", "write_wav"]

SUFFIXES: Final = frozenset({".mp4", ".m4v", ".mov", ".mkv"})
# Exact for 24, 25, 30, 50, 60 and 29.97 frames/s; MPEG-4 part 2 allows no finer than 1/65535.
_TICKS: Final = 60_000
_TIME_BASE: Final = Fraction(1, _TICKS)
# Without B-frames packets are in presentation order, so that MP4 stores the correct duration of the last picture.
_X264_OPTIONS: Final = {"crf": "20", "bf": "0"}
# With the index at the start, browsers can play before the file is loaded completely.
_INDEX_FIRST: Final = "faststart"
# Fragments of a few seconds, each with its own index: the writer keeps no index in memory.
_FRAGMENTED: Final = "frag_keyframe+empty_moov+default_base_moof"
FAST_VIDEO: Final = {
    "tune": "zerolatency", "crf": "-1", "qp": "21", "g": "30", "x264-params": "ipratio=2:no-dct-decimate=1",
}  # fmt: skip
"""For data sets, with the preset "ultrafast": the quality of the default settings on drawn rooms in about a third of
the time. A fixed quantiser avoids x264's second analysis of each picture, which a rate factor needs. One key frame per
second with much finer quantisation leaves little to correct in the following pictures; this gives more quality per time
and byte than a finer quantiser for all pictures. A luma ramp of 1/255 per picture is reproduced within 2/255."""
_BT709: Final = 1
_LIMITED_RANGE: Final = 1


class WriterKeywords(TypedDict, total=False):
    """The fields of `WriterSettings` as keyword arguments."""

    audio_rate: int | None
    copy_audio_from: str | Path | None
    copy_track: Track | None
    threads: int
    preset: str
    options: Mapping[str, str] | None
    colorspace: int | None
    true_waves: bool


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """The sound of a video, and how its pictures are encoded.

    Attributes:
        audio_rate: samples per second of the audio passed to `MediaWriter.write_audio`; None for no such audio.
        copy_audio_from: file whose audio is added, with unchanged packets if possible.
        copy_track: its audio track, from 0, or two mono tracks; None selects the default track.
        threads: number of encoder threads.
        preset: libx264 preset, from "ultrafast" to "veryslow".
        options: further libx264 options, such as crf and tune.
        colorspace: FFmpeg's number of the colour space of the `write_video_frame` pictures, which is kept. None
            converts all pictures to BT.709.
        true_waves: preserve the waveforms of the `write_audio` audio; see `AacEncoder`.
    """

    audio_rate: int | None = None
    copy_audio_from: str | Path | None = None
    copy_track: Track | None = None
    threads: int = 1
    preset: str = "veryfast"
    options: Mapping[str, str] | None = None
    colorspace: int | None = None
    true_waves: bool = False

    def check(self, path: Path) -> None:
        """Check the sound of the video `path`.

        Raises:
            EncodingError: an unsupported rate, or both kinds of audio.
        """
        if self.audio_rate is None:
            return
        if self.copy_audio_from is not None:
            raise EncodingError(f"{path}: give either audio_rate or copy_audio_from")
        if (nearest := nearest_rate(self.audio_rate)) != self.audio_rate:
            raise EncodingError(f"{path}: AAC has no rate {self.audio_rate} Hz; resample to {nearest}")


class MediaWriter:
    """Writes a video under a temporary name and renames it when the `with` block succeeds.

    Pictures of odd size lose their last column or row, since 4:2:0 colour requires even sizes. Copied audio is added at
    the end, after decoders and encoders have been closed: the index of a long MP4 must stay in memory until it is
    complete, and then uses the memory that they have released.
    """

    def __init__(
        self,
        path: str | Path,
        width: int,
        height: int,
        fps: Fraction = Fraction(25),
        **settings: Unpack[WriterKeywords],
    ) -> None:
        """Validate the arguments; nothing is written before the `with` block is entered.

        Args:
            path: .mp4, .m4v, .mov or .mkv.
            width, height: size of the pictures in pixels.
            fps: nominal frame rate; the times given with the pictures take precedence.
            settings: the fields of `WriterSettings`.

        Raises:
            EncodingError: an unsupported suffix, size or rate, or both kinds of audio.
        """
        self.path = Path(path)
        if self.path.suffix.lower() not in SUFFIXES:
            raise EncodingError(f"{self.path}: videos are written as {', '.join(sorted(SUFFIXES))}; change the name")
        if width < 2 or height < 2 or fps <= 0:
            raise EncodingError(f"{self.path}: cannot write pictures of {width}x{height} at {fps} frames/s")
        self._settings = WriterSettings(**settings)
        self._settings.check(self.path)
        self.width, self.height, self.fps = width // 2 * 2, height // 2 * 2, Fraction(fps)
        self._input_size = (height, width)
        self._nominal_ticks = round(_TICKS / self.fps)
        self._reformatter = VideoReformatter()
        self._options = _X264_OPTIONS | {"preset": self._settings.preset} | dict(self._settings.options or {})
        self._colorspace = _BT709 if self._settings.colorspace is None else self._settings.colorspace
        copied = self._settings.copy_audio_from
        self._copy_from = None if copied is None else Path(copied)
        self._first_pts: int | None = None
        self._last_pts = -1
        self._durations: dict[int, int] = {}
        self._keys: set[int] = set()
        self._encoder: AacEncoder | None = None
        self._video_only: Path | None = None

    def __enter__(self) -> Self:
        """Open the file."""
        with ExitStack() as stack:
            self._temporary = stack.enter_context(atomic_file(self.path))
            self._opened = stack.enter_context(ExitStack())
            if self._copy_from is not None and has_sound(self._copy_from):
                self._video_only = stack.enter_context(_scratch_beside(self._temporary))
                output = _open_output(self._video_only, self.path, _FRAGMENTED, "mp4")
            else:
                output = _open_output(self._temporary, self.path, _INDEX_FIRST)
            self._output = self._opened.enter_context(output)
            self._video = self._add_video(self._output)
            if (rate := self._settings.audio_rate) is not None:
                self._encoder = AacEncoder(self._output, rate, true_waves=self._settings.true_waves)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file, or delete it after an error."""
        with self._stack:
            if error is not None:
                # Raised inside the exit stack, so that the temporary file is deleted.
                raise error
            self._mux(self._video.encode, None)
            if self._encoder is not None:
                self._output.mux(self._encoder.finish())
            self._checked(self._output.close)
            if self._video_only is not None and self._copy_from is not None:
                self._checked(partial(self._join, self._video_only, self._copy_from))

    def write_frame(self, rgb: NDArray[np.uint8], time: float, duration: float | None = None) -> None:
        """Append a picture.

        Args:
            rgb: (height, width, 3) uint8.
            time: presentation time in seconds, later than that of the previous picture.
            duration: duration in seconds, used for the last picture only; by default one frame at `fps`.

        Raises:
            EncodingError: a picture of the wrong size, or one that cannot be encoded.
        """
        if rgb.shape != (*self._input_size, 3):
            raise EncodingError(f"{self.path}: got a picture of shape {rgb.shape}, expected {(*self._input_size, 3)}")
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb[: self.height, : self.width]), format="rgb24")
        self.write_video_frame(frame, time, duration)

    def write_video_frame(self, frame: VideoFrame, time: float, duration: float | None = None) -> None:
        """Append a PyAV frame of even size in any pixel format; otherwise like `write_frame`."""
        if not self._matches(frame):
            colours = Colorspace.ITU709 if self._colorspace == _BT709 else None
            # The reformatter is reused because its setup is slow.
            frame = self._reformatter.reformat(
                frame, width=self.width, height=self.height, format="yuv420p", dst_colorspace=colours,
                dst_color_range=ColorRange.MPEG,
            )  # fmt: skip
        # Muxers reject repeated time stamps, which rounding can produce.
        frame.pts = self._last_pts = max(round(time * _TICKS), self._last_pts + 1)
        frame.time_base = _TIME_BASE
        self._first_pts = frame.pts if self._first_pts is None else self._first_pts
        ticks = self._nominal_ticks if duration is None else round(duration * _TICKS)
        self._durations[frame.pts] = max(1, ticks)
        self._mux(self._video.encode, frame)

    def write_audio(self, block: StereoArray) -> None:
        """Append (2, n) samples at `audio_rate`; samples beyond [-1, 1] are clipped.

        Raises:
            EncodingError: the writer was opened without `audio_rate`, or the audio cannot be encoded.
        """
        if self._encoder is None:
            raise EncodingError(f"{self.path}: this writer was opened without audio_rate")
        if not block.shape[1]:  # FFmpeg reports an empty frame as an out-of-memory error
            return
        encoder = self._encoder
        self._checked(lambda: self._output.mux(encoder.encode(block)))

    def _matches(self, frame: VideoFrame) -> bool:
        """Whether a picture can be encoded without conversion: size, pixel format and colour space match the file."""
        size = (frame.width, frame.height) == (self.width, self.height)
        colours = int(frame.colorspace) == self._colorspace and frame.color_range != ColorRange.JPEG
        return size and frame.format.name == "yuv420p" and colours

    def _add_video(self, output: OutputContainer) -> Any:
        has_x264 = "libx264" in codecs_available
        stream: Any = output.add_stream(
            "libx264" if has_x264 else "mpeg4",
            rate=self.fps,
            options=self._options if has_x264 else {},
        )
        stream.width, stream.height, stream.pix_fmt = self.width, self.height, "yuv420p"
        context = stream.codec_context
        context.time_base, context.thread_count = _TIME_BASE, self._settings.threads
        context.colorspace = context.color_primaries = context.color_trc = self._colorspace
        context.color_range = _LIMITED_RANGE
        if not has_x264:
            context.bit_rate = self.width * self.height * 6
        return stream

    def _mux(self, encode: Any, frame: VideoFrame | None) -> None:
        for packet in self._checked(lambda: encode(frame)):
            packet.duration = self._durations.pop(packet.pts, packet.duration)
            if packet.is_keyframe:
                self._keys.add(packet.pts)
            self._checked(lambda packet=packet: self._output.mux(packet))

    def _join(self, silent: Path, sound: Path) -> None:
        """Write the final file from the encoded pictures and the audio of another file."""
        self._opened.close()
        del self._video, self._output  # releases the encoder's memory
        release_memory()
        with (
            growth_in_place(),
            open_media(silent) as pictures,
            open_media(sound) as source,
            _open_output(self._temporary, self.path, _INDEX_FIRST) as output,
        ):
            stream = pictures.streams.video[0]
            video: Any = output.add_stream_from_template(stream)
            video.rate, first = self.fps, self._first_pts or 0
            number = choose_track(sound, audio_streams(source), self._settings.copy_track).track
            track: Soundtrack = (
                CopiedSoundtrack(source, output, number)
                if isinstance(number, int) and can_copy(source, number)
                else EncodedSoundtrack(sound, output, number)
            )
            for packet in pictures.demux(stream):
                if packet.pts is None or packet.dts is None:
                    continue
                # Fragments start at time 0, and the demuxer marks all intra pictures as key frames; restore both.
                packet.pts, packet.dts = packet.pts + first, packet.dts + first
                packet.is_keyframe = packet.pts in self._keys
                output.mux(list(track.packets_until(float(packet.pts * packet.time_base))))
                packet.stream = video
                output.mux(packet)
            output.mux(list(track.packets_until(float("inf"))))

    def _checked(self, action: Any) -> Any:
        try:
            return action()
        except (av.FFmpegError, ValueError) as error:
            raise EncodingError(f"{self.path}: cannot be encoded ({error})") from None


def _open_output(temporary: Path, final: Path, flags: str, format: str | None = None) -> OutputContainer:
    options = {} if temporary.suffix.lower() == ".mkv" else {"movflags": flags}
    try:
        return av.open(str(temporary.absolute()), mode="w", format=format, options=options)
    except (av.FFmpegError, ValueError) as error:
        raise EncodingError(f"{final}: cannot be written ({error}); check the folder") from None


@contextmanager
def _scratch_beside(temporary: Path) -> Iterator[Path]:
    """Path of a second temporary file, deleted afterwards."""
    scratch = temporary.with_suffix(".pictures")
    try:
        yield scratch
    finally:
        scratch.unlink(missing_ok=True)
