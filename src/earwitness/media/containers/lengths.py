"""How long a file says that its sound lasts, and what lies behind the end that it declares."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

from av.audio.stream import AudioStream
from av.container import InputContainer

from earwitness.media.containers.chunks import AIFF, CAF, chunks, what_follows
from earwitness.media.containers.container import container_duration, picture_stream, stamp_seconds, zero_time
from earwitness.media.containers.mp4_boxes import second_file
from earwitness.media.pictures.pictures import picture_seconds
from earwitness.media.sound.wave_header import read_wave_header

TRUNCATED_SECONDS: Final = 0.5
"""What may be missing at the end of sound before a file counts as cut short."""
_GUESSED: Final = frozenset({"mp3", "aac", "mpegts", "mpeg"})
"""Formats whose length FFmpeg estimates."""
_CHUNKED: Final = {"aiff": AIFF, "caf": CAF}
_BEGINNINGS: Final = {
    "tta": b"TTA1",
    "voc": b"Creative Voice File\x1a",
    "flv": b"FLV\x01",
    "wv": b"wvpk",
    "ape": b"MAC ",
    "dsf": b"DSD ",
    "asf": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
}
"""What a file of a format begins with, of those whose end FFmpeg takes from the header."""
_LEAST_SECONDS: Final = 0.05
_PIECE: Final = 2**20


def declared_end(container: InputContainer, stream: AudioStream) -> Fraction | None:
    """Where a file says that a sound track ends, seconds from the container's zero; None where it does not say."""
    name = container.format.name
    if name in _GUESSED:
        return None
    if name in ("wav", "w64"):
        header = read_wave_header(Path(container.name))
        return None if header is None or header.goes_on else header.declared_seconds
    if name == "voc" or (name == "caf" and stream.codec_context.name.startswith("pcm")):
        return None if name == "voc" else _caf_seconds(Path(container.name), stream.codec_context.bit_rate or 0)
    if stream.duration is not None and stream.duration > 0:
        start = stamp_seconds(stream.start_time, stream.time_base) or Fraction(0)
        return start + (stamp_seconds(stream.duration, stream.time_base) or 0) - zero_time(container)
    whole = container_duration(container)
    if whole is None or picture_stream(container) is not None:
        return None
    # Matroska's length counts from time 0, where FFmpeg takes it from the file.
    late = max(Fraction(0), zero_time(container)) if name.startswith("matroska") else Fraction(0)
    return Fraction(whole) - late


def unfilled_end(path: Path, container: InputContainer, end: float) -> float:
    """The length that a container with pictures declares for all, if the pictures do not fill it either; else 0.

    Args:
        path: the file.
        container: the file, open.
        end: where its sound ends, seconds.
    """
    declared = container_duration(container) or 0.0
    if container.format.name in (*_GUESSED, "wav", "w64") or declared - end <= TRUNCATED_SECONDS:
        return 0.0
    return declared if declared - picture_seconds(path) > TRUNCATED_SECONDS else 0.0


def behind_the_end(path: Path, container: InputContainer, read_bytes: int, seconds: float) -> str:
    """What a user should know of what lies behind the declared end of a file; empty where there is nothing.

    Args:
        path: the file.
        container: the file, open.
        read_bytes: byte behind the last packet of its sound.
        seconds: length of its sound.
    """
    try:
        return _behind(path, container.format.name, read_bytes, seconds)
    except OSError:  # it was there a moment ago; what was read of it stands
        return ""


def _behind(path: Path, name: str, read_bytes: int, seconds: float) -> str:
    size = path.stat().st_size
    if name in ("wav", "w64"):
        header = read_wave_header(path)
        if header is None or header.behind is None:
            return ""
        if header.behind.kind == "sound" and name == "wav":
            before = float((header.declared_samples or 0) / header.rate)
            return f"the header declares {before:.1f} s, but the sound goes on behind: all {seconds:.1f} s were read"
        return _not_read(header.behind_seconds, joined=header.behind.kind == "file")
    if name in _CHUNKED:
        style = _CHUNKED[name]
        with path.open("rb") as file:
            found = what_follows(file, style, read_bytes, size, style.padding(read_bytes))
        after = 0.0 if found is None else _share(found.size, size, seconds)
        return _not_read(after, joined=found.kind == "file") if found is not None and after > _LEAST_SECONDS else ""
    start = second_file(path) if name.startswith("mov,") else _second(path, _BEGINNINGS.get(name), read_bytes)
    return "" if start is None else _not_read(_share(size - start, size, seconds), joined=True)


def _caf_seconds(path: Path, bit_rate: int) -> Fraction | None:
    """Length of plain samples by the size of their chunk, which FFmpeg replaces by the size of the file."""
    with path.open("rb") as file:
        file.seek(8)
        for name, size, _ in chunks(file, CAF):
            if name == b"data":
                known = bit_rate > 0 and 4 < size < 2**63  # -1 stands for a size that was not known
                return Fraction(8 * (size - 4), bit_rate) if known else None
    return None


def _share(behind: int, size: int, seconds: float) -> float:
    """Seconds that so many bytes behind the end last, if they are like those before."""
    return seconds * behind / max(1, size - behind)


def _not_read(seconds: float, *, joined: bool) -> str:
    what = "a second file was appended: " if joined else "the header declares too little: "
    do = "split the file to read them" if joined else "convert the file to read them"
    return f"{what}about {seconds:.1f} s lie behind the declared end and were not read; {do}"


def _second(path: Path, beginning: bytes | None, after: int) -> int | None:
    """First byte of another file of the same format behind byte `after`."""
    if beginning is None:
        return None
    with path.open("rb") as file:
        file.seek(after)
        held, position = b"", after
        while piece := file.read(_PIECE):
            held += piece
            at = held.find(beginning)
            if at >= 0:
                return position + at
            keep = len(beginning) - 1
            position, held = position + len(held) - keep, held[-keep:]
    return None
