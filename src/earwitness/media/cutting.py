"""Cuts pieces out of a recording in one pass: WAV for sound, MP4 for pictures with sound."""

from __future__ import annotations

import wave
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from earwitness.core.files.atomic import atomic_file
from earwitness.media.containers.sound_tracks import Track
from earwitness.media.pictures import PictureReader, RGBArray
from earwitness.media.remux import nearest_rate
from earwitness.media.sound.audio import AudioReader
from earwitness.media.sound.conversion import StereoArray
from earwitness.media.writer import MediaWriter

_LARGEST_SAMPLE: Final = 32767
_PRESET: Final = "superfast"
_EPSILON: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece to cut out.

    Attributes:
        start, end: seconds.
        path: file to write.
    """

    start: float
    end: float
    path: Path


def cut_sound(source: str | Path, cuts: Sequence[Cut], track: Track | None = None) -> None:
    """Write pieces of the sound of a file as 16-bit stereo WAV, at its own sample rate.

    Args:
        source: video or sound file.
        cuts: pieces, which may overlap.
        track: the sound track; by default the default track.

    Raises:
        MediaError: the source cannot be read, or a file cannot be written.
    """
    reader = AudioReader(source, mono="allow", track=track)
    reader.rate = reader.source_rate
    with _Pieces(cuts, lambda cut: _WaveFile(cut.path, reader.rate), reader.rate) as pieces:
        for block in reader:
            pieces.add_sound(block)


def cut_video(source: str | Path, cuts: Sequence[Cut], track: Track | None = None, threads: int = 1) -> None:
    """Write pieces of the pictures and the sound of a video as MP4; they are encoded anew, so that cuts are exact.

    Args:
        source: video file.
        cuts: pieces, which may overlap.
        track: the sound track; by default the default track.
        threads: threads of the decoder and the encoders.

    Raises:
        MediaError: the source has no pictures or cannot be read, or a file cannot be written.
    """
    reader, sound = PictureReader(source, threads=threads), AudioReader(source, mono="allow", track=track)
    sound.rate = nearest_rate(sound.source_rate)

    def make(cut: Cut) -> _VideoFile:
        return _VideoFile(MediaWriter(
            cut.path, reader.width, reader.height, reader.frame_rate, audio_rate=sound.rate, threads=threads,
            preset=_PRESET,
        ))  # fmt: skip

    with _Pieces(cuts, make, sound.rate) as pieces:
        blocks = iter(sound)
        for time, rgb in reader:
            while pieces.sound_end <= time and (block := next(blocks, None)) is not None:
                pieces.add_sound(block)
            pieces.add_picture(time, rgb)
        for block in blocks:
            pieces.add_sound(block)


class _WaveFile(ExitStack):
    """A WAV file that appears when it is complete."""

    def __init__(self, path: Path, rate: int) -> None:
        super().__init__()
        temporary = self.enter_context(atomic_file(path))
        self._file = self.enter_context(wave.open(str(temporary), "wb"))  # noqa: SIM115 - closed with the stack
        self._file.setnchannels(2)
        self._file.setsampwidth(2)
        self._file.setframerate(rate)

    def add_sound(self, block: StereoArray) -> None:
        self._file.writeframes(np.rint(np.clip(block, -1, 1) * _LARGEST_SAMPLE).astype("<i2").T.tobytes())


class _VideoFile(ExitStack):
    """A video that appears when it is complete.

    Attributes:
        pictures: number of its pictures so far.
    """

    def __init__(self, writer: MediaWriter) -> None:
        super().__init__()
        self._writer = self.enter_context(writer)
        self.pictures = 0

    def add_sound(self, block: StereoArray) -> None:
        self._writer.write_audio(block)

    def add_picture(self, time: float, rgb: RGBArray) -> None:
        """Append a picture, `time` seconds after the start of the piece."""
        self._writer.write_frame(rgb, time)
        self.pictures += 1


class _Pieces:
    """The pieces that are being written while a recording is read.

    Attributes:
        sound_end: end of the sound that was added, seconds.
    """

    def __init__(self, cuts: Sequence[Cut], make: Callable[[Cut], _WaveFile | _VideoFile], rate: int) -> None:
        self._waiting = deque(sorted(cuts, key=lambda cut: cut.start))
        self._make, self._rate = make, rate
        self._open: list[tuple[Cut, _WaveFile | _VideoFile]] = []
        self._samples = 0
        self._last: RGBArray | None = None
        self.sound_end = self._picture_end = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        open_pieces, self._open = self._open, []
        with ExitStack() as stack:  # finishes the files, or deletes them after an error
            for cut, file in open_pieces:
                stack.push(file)
                if error is None:
                    self._hold(cut, file)
            if error is not None:
                raise error

    def add_sound(self, block: StereoArray) -> None:
        """Add the next block of sound, (2, n)."""
        first = self._samples
        self._samples += block.shape[1]
        self._begin(self._samples / self._rate)
        for cut, file in self._open:
            start, stop = round(cut.start * self._rate) - first, round(cut.end * self._rate) - first
            if stop > 0 and start < block.shape[1]:
                file.add_sound(block[:, max(0, start) : stop])
        self.sound_end = self._samples / self._rate
        self._finish()

    def add_picture(self, time: float, rgb: RGBArray) -> None:
        """Add the next picture, which is shown from `time` on."""
        self._begin(time)
        for cut, file in self._open:
            if isinstance(file, _VideoFile) and time < cut.end - _EPSILON:
                if not file.pictures and time > cut.start + _EPSILON:
                    self._hold(cut, file)
                if time >= cut.start - _EPSILON:
                    file.add_picture(max(0.0, time - cut.start), rgb)
        self._last, self._picture_end = rgb, time
        self._finish()

    def _hold(self, cut: Cut, file: _WaveFile | _VideoFile) -> None:
        """Begin a piece with the picture that was shown before it."""
        if isinstance(file, _VideoFile) and not file.pictures and self._last is not None:
            file.add_picture(0.0, self._last)

    def _begin(self, time: float) -> None:
        while self._waiting and self._waiting[0].start <= time:
            cut = self._waiting.popleft()
            self._open.append((cut, self._make(cut)))

    def _finish(self) -> None:
        """Close the pieces whose end has passed in the sound and in the pictures."""
        for cut, file in list(self._open):
            picture_end = self._picture_end if isinstance(file, _VideoFile) else self.sound_end
            if min(self.sound_end, picture_end) >= cut.end:
                self._open.remove((cut, file))
                with file:
                    self._hold(cut, file)
