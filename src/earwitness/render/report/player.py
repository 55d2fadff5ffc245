"""Media of the report: embedded in the page, or linked as a file."""

from __future__ import annotations

import mimetypes
import os
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal
from urllib.parse import quote, unquote

from earwitness.core.errors import one_line
from earwitness.media.containers.probe import MediaInfo

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
