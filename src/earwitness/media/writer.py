"""Writing videos: H.264 and AAC in MP4, pictures at their own times, the original sound kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import av
import numpy as np
from av.codec import codecs_available
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from earwitness.core.errors import EncodingError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.memory import give_back, growing_in_place
from earwitness.media.containers.container import audio_streams, open_media
from earwitness.media.containers.sound_tracks import Track, choose_track
from earwitness.media.sound.resample import StereoArray
from earwitness.media.sound.wav import write_wav
from earwitness.media.soundtrack import (
    AacEncoder,
    CopiedSoundtrack,
    EncodedSoundtrack,
    Soundtrack,
    can_copy,
    has_sound,
    nearest_rate,
)

__all__ = ["MediaWriter", "write_wav"]

SUFFIXES: Final = frozenset({".mp4", ".m4v", ".mov", ".mkv"})
# Exact for 24, 25, 30, 50, 60 and 29.97 frames/s; MPEG-4 part 2 allows no finer than 1/65535.
_TICKS: Final = 60_000
_TIME_BASE: Final = Fraction(1, _TICKS)
# Without B-frames pictures leave in order, so that MP4 keeps the true length of the last one.
_X264_OPTIONS: Final = {"crf": "20", "bf": "0"}
# The index in front lets browsers play before all is loaded.
_INDEX_IN_FRONT: Final = "faststart"
# An index a few seconds: nothing is held.
_IN_FRAGMENTS: Final = "frag_keyframe+empty_moov+default_base_moof"
FAST_VIDEO: Final = {
    "tune": "zerolatency", "crf": "-1", "qp": "21", "g": "30", "x264-params": "ipratio=2:no-dct-decimate=1",
}  # fmt: skip
"""With the preset "ultrafast", for data sets: as good as the writer's own settings on drawn rooms, in about a third of
the time. A fixed quantiser spares x264 the second look at each picture that a rate factor costs. A key frame a second,
much finer than the rest, leaves the pictures after it little to correct, which gives more quality for time and bytes
than finer pictures throughout; even a luma that rises by 1 of 255 a picture is followed within 2."""
_BT709: Final = 1
_LIMITED_RANGE: Final = 1


class MediaWriter:
    """Writes a video under a temporary name and renames it when the `with` block ends well.

    Pictures of odd size lose their last column or row, since 4:2:0 colour knows only even sizes. Sound that is copied
    joins the pictures at the end, when no decoder or encoder is at work any more: the index of a long MP4, which must
    be held until it is complete, then takes the memory that those have left.
    """

    def __init__(
        self,
        path: str | Path,
        width: int,
        height: int,
        fps: Fraction = Fraction(25),
        audio_rate: int | None = None,
        copy_audio_from: str | Path | None = None,
        copy_track: Track | None = None,
        threads: int = 1,
        preset: str = "veryfast",
        options: Mapping[str, str] | None = None,
        colorspace: int | None = None,
        true_waves: bool = False,
    ) -> None:
        """Prepare; nothing is written before the `with` block is entered.

        Args:
            path: .mp4, .m4v, .mov or .mkv.
            width, height: of the pictures that will come, pixels.
            fps: nominal rate; the pictures' own times count.
            audio_rate: samples per second of the sound that `write_audio` will bring; None for none.
            copy_audio_from: file whose sound goes along, its packets unchanged where possible.
            copy_track: which of its sound tracks, from 0, or two mono ones; None: the default one.
            threads: encoder threads.
            preset: libx264's trade of speed for size, "ultrafast" to "veryslow".
            options: further ones of libx264, such as crf and tune.
            colorspace: how the colours of the `write_video_frame` pictures are coded, FFmpeg's number; they are then
                kept as they are. None converts all to BT.709.
            true_waves: encode the sound of `write_audio` for machines: see `AacEncoder`.

        Raises:
            EncodingError: an unusable suffix, size, rate, or both kinds of sound at once.
        """
        self.path = Path(path)
        if self.path.suffix.lower() not in SUFFIXES:
            raise EncodingError(f"{self.path}: videos are written as {', '.join(sorted(SUFFIXES))}; change the name")
        if width < 2 or height < 2 or fps <= 0:
            raise EncodingError(f"{self.path}: cannot write pictures of {width}x{height} at {fps} frames/s")
        if audio_rate is not None and copy_audio_from is not None:
            raise EncodingError(f"{self.path}: give either audio_rate or copy_audio_from")
        if audio_rate is not None and nearest_rate(audio_rate) != audio_rate:
            raise EncodingError(f"{self.path}: AAC knows no {audio_rate} Hz; resample to {nearest_rate(audio_rate)}")
        self.width, self.height, self.fps = width // 2 * 2, height // 2 * 2, Fraction(fps)
        self._given_size = (height, width)
        self._usual_ticks = round(_TICKS / self.fps)
        self._audio_rate, self._threads, self._true_waves = audio_rate, threads, true_waves
        self._reformatter = VideoReformatter()
        self._options = _X264_OPTIONS | {"preset": preset} | dict(options or {})
        self._colorspace = _BT709 if colorspace is None else colorspace
        self._copy_from = None if copy_audio_from is None else Path(copy_audio_from)
        self._copy_track = copy_track
        self._first_pts: int | None = None
        self._last_pts = -1
        self._durations: dict[int, int] = {}
        self._keys: set[int] = set()
        self._encoder: AacEncoder | None = None
        self._silent: Path | None = None

    def __enter__(self) -> Self:
        """Open the file."""
        with ExitStack() as stack:
            self._temporary = stack.enter_context(atomic_file(self.path))
            self._opened = stack.enter_context(ExitStack())
            if self._copy_from is not None and has_sound(self._copy_from):
                self._silent = stack.enter_context(_scratch_beside(self._temporary))
                output = _open_output(self._silent, self.path, _IN_FRAGMENTS, "mp4")
            else:
                output = _open_output(self._temporary, self.path, _INDEX_IN_FRONT)
            self._output = self._opened.enter_context(output)
            self._video = self._add_video(self._output)
            if self._audio_rate is not None:
                self._encoder = AacEncoder(self._output, self._audio_rate, true_waves=self._true_waves)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file, or remove what there is of it after an error."""
        with self._stack:
            if error is not None:
                # Raised again inside, the error makes the temporary file go.
                raise error
            self._mux(self._video.encode, None)
            if self._encoder is not None:
                self._output.mux(self._encoder.finish())
            self._guarded(self._output.close)
            if self._silent is not None and self._copy_from is not None:
                self._guarded(partial(self._join, self._silent, self._copy_from))

    def write_frame(self, rgb: NDArray[np.uint8], time: float, duration: float | None = None) -> None:
        """Append a picture.

        Args:
            rgb: (height, width, 3) uint8.
            time: when it is shown, seconds; later than the picture before.
            duration: how long, seconds; matters for the last picture only. By default one frame at `fps`.

        Raises:
            EncodingError: a picture of another size, or one that cannot be encoded.
        """
        if rgb.shape != (*self._given_size, 3):
            raise EncodingError(f"{self.path}: got a picture of shape {rgb.shape}, expected {(*self._given_size, 3)}")
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb[: self.height, : self.width]), format="rgb24")
        self.write_video_frame(frame, time, duration)

    def write_video_frame(self, frame: VideoFrame, time: float, duration: float | None = None) -> None:
        """Append a picture that PyAV holds already, in any pixel format and of even size; else as `write_frame`."""
        if not self._fits(frame):
            colours = Colorspace.ITU709 if self._colorspace == _BT709 else None
            # Kept: it takes long to prepare.
            frame = self._reformatter.reformat(
                frame, width=self.width, height=self.height, format="yuv420p", dst_colorspace=colours,
                dst_color_range=ColorRange.MPEG,
            )  # fmt: skip
        # A stamp that repeats after rounding would be refused.
        frame.pts = self._last_pts = max(round(time * _TICKS), self._last_pts + 1)
        frame.time_base = _TIME_BASE
        self._first_pts = frame.pts if self._first_pts is None else self._first_pts
        ticks = self._usual_ticks if duration is None else round(duration * _TICKS)
        self._durations[frame.pts] = max(1, ticks)
        self._mux(self._video.encode, frame)

    def write_audio(self, block: StereoArray) -> None:
        """Append (2, n) samples at `audio_rate`; samples beyond [-1, 1] are clipped.

        Raises:
            EncodingError: the writer was opened without `audio_rate`, or the sound cannot be encoded.
        """
        if self._encoder is None:
            raise EncodingError(f"{self.path}: this writer was opened without audio_rate")
        if not block.shape[1]:  # FFmpeg takes an empty frame for lack of memory
            return
        encoder = self._encoder
        self._guarded(lambda: self._output.mux(encoder.encode(block)))

    def _fits(self, frame: VideoFrame) -> bool:
        """Whether a picture can be encoded as it is: its size, its pixels and its colours are the file's."""
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
        context.time_base, context.thread_count = _TIME_BASE, self._threads
        context.colorspace = context.color_primaries = context.color_trc = self._colorspace
        context.color_range = _LIMITED_RANGE
        if not has_x264:
            context.bit_rate = self.width * self.height * 6
        return stream

    def _mux(self, encode: Any, frame: VideoFrame | None) -> None:
        for packet in self._guarded(lambda: encode(frame)):
            packet.duration = self._durations.pop(packet.pts, packet.duration)
            if packet.is_keyframe:
                self._keys.add(packet.pts)
            self._guarded(lambda packet=packet: self._output.mux(packet))

    def _join(self, silent: Path, sound: Path) -> None:
        """Write the file out of the pictures written so far and the sound of another file."""
        self._opened.close()
        del self._video, self._output  # with the encoder's memory
        give_back()
        with (
            growing_in_place(),
            open_media(silent) as pictures,
            open_media(sound) as source,
            _open_output(self._temporary, self.path, _INDEX_IN_FRONT) as output,
        ):
            stream = pictures.streams.video[0]
            video: Any = output.add_stream_from_template(stream)
            video.rate, first = self.fps, self._first_pts or 0
            number = choose_track(sound, audio_streams(source), self._copy_track).track
            track: Soundtrack = (
                CopiedSoundtrack(source, output, number)
                if isinstance(number, int) and can_copy(source, number)
                else EncodedSoundtrack(sound, output, number)
            )
            for packet in pictures.demux(stream):
                if packet.pts is None or packet.dts is None:
                    continue
                # Fragments begin at time 0, and a reader takes other intra pictures for such that one can seek to.
                packet.pts, packet.dts = packet.pts + first, packet.dts + first
                packet.is_keyframe = packet.pts in self._keys
                output.mux(list(track.packets_until(float(packet.pts * packet.time_base))))
                packet.stream = video
                output.mux(packet)
            output.mux(list(track.packets_until(float("inf"))))

    def _guarded(self, action: Any) -> Any:
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
    """A name for a second temporary file, removed afterwards."""
    scratch = temporary.with_suffix(".pictures")
    try:
        yield scratch
    finally:
        scratch.unlink(missing_ok=True)
