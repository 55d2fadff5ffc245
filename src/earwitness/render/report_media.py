"""Media of the report: its player, embedded or linked, and the spectrogram above its timeline."""

from __future__ import annotations

import mimetypes
import os
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.errors import one_line
from earwitness.features.mel import mel_matrix
from earwitness.media.containers.probe import MediaInfo
from earwitness.media.sound.audio import AudioReader
from earwitness.render.icons import RGBArray

Player = Literal["auto", "embed", "link", "none"]
PLAYERS: Final[tuple[Player, ...]] = ("auto", "embed", "link", "none")
EMBED_BYTES: Final = 32 * 2**20
"""With `auto`, larger files are linked."""
_PICTURES: Final = frozenset({"h264", "vp8", "vp9", "av1", "libdav1d"})
_SOUNDS: Final = frozenset({"aac", "mp3", "mp3float", "opus", "libopus", "vorbis", "libvorbis", "flac"})
_VIDEO_FILES: Final = frozenset({".mp4", ".m4v", ".mov", ".webm"})
_SOUND_FILES: Final = frozenset({".wav", ".mp3", ".m4a", ".ogg", ".oga", ".opus", ".flac", ".aac", *_VIDEO_FILES})


@dataclass(frozen=True, slots=True)
class Media:
    """Media of the page.

    Attributes:
        kind: "video", "audio", or "none".
        how: "embed", "link", or "none".
        type: MIME type.
        source: base64 of the file, or a relative address.
        note: note for the reader.
    """

    kind: Literal["video", "audio", "none"]
    how: Literal["embed", "link", "none"] = "none"
    type: str = ""
    source: str = ""
    note: str = ""


def player_media(info: MediaInfo | None, target: Path, player: Player) -> Media:
    """Choose how the report at `target` plays a file.

    Files that browsers cannot play (HEVC, AVI, Matroska, ...) are converted: embedded if the result is small, else
    written beside the report as NAME.player.mp4.

    Raises:
        MediaError: the file cannot be read, or its copy cannot be written.
    """
    if info is None or player == "none":
        why = "omitted on request" if info is not None else "the media file was not found beside the result"
        return Media("none", note=f"No player: {why}.")
    moving = info.video is not None and not info.video.is_still
    kind: Literal["video", "audio"] = "video" if moving else "audio"
    noun = "video" if moving else "sound"
    if plays_in_browsers(info):
        return _placed(info.path, kind, target, player, noun)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "player.mp4"
        _convert(info, copy)
        note = "Converted for browsers; the original is untouched. "
        if player == "link" or (player == "auto" and copy.stat().st_size > EMBED_BYTES):
            from earwitness.core.files.atomic import atomic_file

            beside = target.with_name(f"{target.stem}.player.mp4")
            with atomic_file(beside) as temporary:
                temporary.write_bytes(copy.read_bytes())
            return _linked(beside, "video", target, note, noun)
        return _embedded(copy, "video", note, noun)


def plays_in_browsers(info: MediaInfo) -> bool:
    """Whether all common browsers support the file's container and codecs."""
    suffix = info.path.suffix.lower()
    wav = suffix == ".wav" and info.audio is not None and info.audio.codec in {"pcm_s16le", "pcm_s24le", "pcm_u8"}
    sound = info.audio is None or info.audio.codec in _SOUNDS or wav
    if info.video is None or info.video.is_still:
        return suffix in _SOUND_FILES and sound
    return suffix in _VIDEO_FILES and sound and info.video.codec in _PICTURES


def _placed(path: Path, kind: Literal["video", "audio"], target: Path, player: Player, noun: str) -> Media:
    small = path.stat().st_size <= EMBED_BYTES
    embed = player == "embed" or (player == "auto" and small)
    return _embedded(path, kind, "", noun) if embed else _linked(path, kind, target, "", noun)


def _embedded(path: Path, kind: Literal["video", "audio"], note: str, noun: str) -> Media:
    data = b64encode(path.read_bytes()).decode("ascii")
    size = path.stat().st_size / 2**20
    return Media(kind, "embed", _mime(path), data, f"{note}The {noun} ({size:.1f} MB) is embedded in this page.")


def _linked(path: Path, kind: Literal["video", "audio"], target: Path, note: str, noun: str) -> Media:
    try:
        address = quote(os.fsencode(Path(os.path.relpath(path.resolve(), target.resolve().parent)).as_posix()))
    except ValueError:  # another drive
        address = path.resolve().as_uri()
    text = f"{note}The {noun} is not embedded; this page plays {one_line(unquote(address))}: keep the files together."
    return Media(kind, "link", _mime(path), address, text)


def _mime(path: Path) -> str:
    if path.suffix.lower() in {".mov", ".m4v"}:  # browsers play these files, but not as video/quicktime
        return "video/mp4"
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def _convert(info: MediaInfo, out: Path) -> None:
    """Write a copy in H.264 and AAC."""
    from earwitness.media.sound.audio import AudioReader
    from earwitness.media.writer import MediaWriter
    from earwitness.render.video.frame_source import FrameSource

    frames = FrameSource(info.path, 100.0)
    rate = 48_000 if info.audio is not None else None
    with MediaWriter(out, frames.width, frames.height, frames.fps, audio_rate=rate, preset="veryfast") as writer:
        sound = iter(AudioReader(info.path, 48_000, mono="allow")) if rate else iter(())
        written = 0.0  # seconds of sound
        for time, picture, length in frames.pictures():
            while rate and written <= time and (block := next(sound, None)) is not None:
                writer.write_audio(block)
                written += block.shape[1] / rate
            writer.write_frame(picture, time, length)
        for block in sound:
            writer.write_audio(block)


RATE: Final = 24_000
WINDOW: Final = 1024
HOP: Final = 512
BANDS: Final = 72
MOST_COLUMNS: Final = 3000
_FMIN, _FMAX = 50.0, 12_000.0
_RANGE_DB: Final = 65.0
_QUIETEST_TOP_DB: Final = -20.0
"""About -68 dBFS; recordings below it stay dark."""
_COLOURS: Final = np.array(
    [(13, 15, 22), (36, 30, 84), (92, 34, 122), (168, 52, 108), (232, 98, 70), (252, 176, 72), (253, 245, 190)], float
)
"""Colour map, dark to light, for light and dark pages."""


def spectrogram(path: Path) -> RGBArray:
    """Draw the mel spectrogram (BANDS, columns, 3) of a file's mid signal, from time 0 to its end.

    Memory use is constant: columns of long files are maxima over many windows.

    Raises:
        MediaError: the sound cannot be read.
    """
    columns = _Columns(MOST_COLUMNS)
    for power in _powers(AudioReader(path, RATE, mono="allow")):
        columns.add(power)
    return _coloured(columns.values())


def png(picture: RGBArray) -> bytes:
    """Encode a picture as PNG."""
    sink = BytesIO()
    Image.fromarray(picture).quantize(64).save(sink, "PNG", optimize=True)
    return sink.getvalue()


def _powers(blocks: Iterable[NDArray[np.float32]]) -> Iterable[NDArray[np.float32]]:
    """Yield the mel power (n, BANDS) of complete windows; the remainder of a block joins the next one."""
    taper = np.hanning(WINDOW).astype(np.float32)
    matrix = mel_matrix(RATE, WINDOW, BANDS, _FMIN, _FMAX)
    rest = np.zeros(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block.mean(axis=0)])
        count = (rest.size - WINDOW) // HOP + 1
        if count > 0:
            windows = np.lib.stride_tricks.sliding_window_view(rest, WINDOW)[: count * HOP : HOP]
            yield np.square(np.abs(np.fft.rfft(windows * taper, axis=1))).astype(np.float32) @ matrix
            rest = rest[count * HOP :]
    if rest.size:
        padded = np.pad(rest, (0, max(0, WINDOW - rest.size)))[:WINDOW]
        yield np.square(np.abs(np.fft.rfft(padded * taper)))[None].astype(np.float32) @ matrix


class _Columns:
    """Columns of limited number: when there are too many, pairs are merged by their maxima."""

    def __init__(self, most: int) -> None:
        self._most, self._stride = most, 1
        self._done: list[NDArray[np.float32]] = []
        self._open: list[NDArray[np.float32]] = []

    def add(self, power: NDArray[np.float32]) -> None:
        for row in power:
            self._open.append(row)
            if len(self._open) == self._stride:
                self._done.append(np.max(self._open, axis=0))
                self._open.clear()
                if len(self._done) >= 2 * self._most:
                    self._done = [np.maximum(a, b) for a, b in zip(self._done[::2], self._done[1::2], strict=True)]
                    self._stride *= 2

    def values(self) -> NDArray[np.float32]:
        last = [np.max(self._open, axis=0)] if self._open else []
        found = [*self._done, *last]
        return np.stack(found) if found else np.zeros((1, BANDS), np.float32)


def _coloured(power: NDArray[np.float32]) -> RGBArray:
    decibels = 10 * np.log10(np.maximum(power, 1e-10))
    top = max(float(np.percentile(decibels, 99.5)), _QUIETEST_TOP_DB)
    level = np.clip((decibels - top) / _RANGE_DB + 1, 0, 1).T[::-1] * (len(_COLOURS) - 1)
    below = np.minimum(level.astype(int), len(_COLOURS) - 2)
    share = (level - below)[..., None]
    return np.asarray(np.rint(_COLOURS[below] * (1 - share) + _COLOURS[below + 1] * share), np.uint8)
