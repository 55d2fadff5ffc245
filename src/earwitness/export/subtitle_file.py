"""Reads subtitle files as people have them: SubRip and WebVTT in any usual encoding, also with wrong numbers."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from earwitness.core.errors import EarwitnessError
from earwitness.core.files.small_files import read_bytes

MOST_BYTES: Final = 16 * 2**20
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_TIME: Final = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[.,:](\d{1,3}))?"
_TIMES: Final = re.compile(rf"^\s*{_TIME}\s*-+>\s*{_TIME}(?=\s|$)")
_NUMBER: Final = re.compile(r"^\s*\d+\s*$")
_TAG: Final = re.compile(r"</?([a-z]+)[^<>]{0,200}>|\{\\an?\d+\}", re.IGNORECASE)
_KEPT_TAGS: Final = frozenset({"i", "b", "u"})
_ENTITIES: Final = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&lrm;": "", "&rlm;": ""}


class SubtitleError(EarwitnessError):
    """A file that holds no subtitles; the message says what it is instead."""


@dataclass(frozen=True, slots=True)
class SubtitleCue:
    """One subtitle.

    Attributes:
        start, end: seconds.
        lines: from top to bottom; they may contain the tags <i>, <b> and <u>.
    """

    start: float
    end: float
    lines: tuple[str, ...]


def read_subtitles(path: str | Path) -> list[SubtitleCue]:
    """Read the cues of a SubRip or WebVTT file, in order of time.

    UTF-8, UTF-16 and UTF-32 with or without byte order mark, and Windows-1252; line ends of any system. Cue numbers,
    identifiers, positions, notes and style sheets are skipped.

    Raises:
        SubtitleError: the file cannot be read, or holds no cue.
    """
    text = decoded(read_bytes(path, MOST_BYTES, SubtitleError), str(path))
    cues = list(_cues(text))
    if not cues:
        raise SubtitleError(f"{path}: holds no subtitles; name a SubRip (.srt) or WebVTT (.vtt) file")
    return sorted(cues, key=lambda cue: (cue.start, cue.end))


def decoded(data: bytes, name: str) -> str:
    """The text of a file in an unknown encoding.

    Raises:
        SubtitleError: the bytes are no text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _as_text(data, encoding, name)
    if data[1:2] == b"\0" and data[:1] != b"\0":
        return _as_text(data, "utf-16-le", name)
    if data[:1] == b"\0" and data[1:2] != b"\0":
        return _as_text(data, "utf-16-be", name)
    if b"\0" in data[:4096]:
        raise SubtitleError(f"{name}: is not text; name a SubRip (.srt) or WebVTT (.vtt) file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # Five bytes are unused in Windows-1252; old programs write Latin-1 there.
        return "".join(bytes([byte]).decode("cp1252", "replace") for byte in data).replace("�", "")


def plain_text(line: str) -> str:
    """A line without tags."""
    return _TAG.sub("", line)


def styled_parts(line: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Parts of a line, each with the tags ("i", "b", "u") that apply to it."""
    place, open_tags = 0, list[str]()
    for found in _TAG.finditer(line):
        if found.start() > place:
            yield line[place : found.start()], frozenset(open_tags)
        place, name = found.end(), (found[1] or "").lower()
        if found[0].startswith("</") and name in open_tags:
            open_tags.remove(name)
        elif name in _KEPT_TAGS and not found[0].startswith("</"):
            open_tags.append(name)
    if place < len(line):
        yield line[place:], frozenset(open_tags)


def _as_text(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise SubtitleError(f"{name}: is damaged: not valid {encoding} text; save it as UTF-8") from None


def _cues(text: str) -> Iterator[SubtitleCue]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    is_vtt = lines[0].lstrip("\ufeff").startswith("WEBVTT")
    starts = [(number, found) for number, line in enumerate(lines) if (found := _TIMES.match(line))]
    for place, (number, found) in enumerate(starts):
        following = starts[place + 1][0] if place + 1 < len(starts) else len(lines)
        words = _words(lines[number + 1 : following], is_vtt=is_vtt, is_last=following == len(lines))
        start, end = _seconds(*found.groups()[:4]), _seconds(*found.groups()[4:])
        if words and end > start:
            yield SubtitleCue(start, end, words)


def _words(lines: list[str], *, is_vtt: bool, is_last: bool) -> tuple[str, ...]:
    """The lines of a cue: those before the first blank one, and others that are not the next cue's number."""
    text = [_cleaned(line) for line in lines]
    if is_vtt:  # a blank line ends a cue; notes and identifiers may follow
        text = text[: text.index("")] if "" in text else text if is_last else text[:-1]
        return tuple(text)
    while text and not text[-1]:
        text.pop()
    if text and not is_last and _NUMBER.match(text[-1]):
        text.pop()
    return tuple(line for line in text if line)


def _cleaned(line: str) -> str:
    for name, sign in _ENTITIES.items():
        line = line.replace(name, sign)
    line = _TAG.sub(lambda found: found[0].lower() if (found[1] or "").lower() in _KEPT_TAGS else "", line)
    return "".join(sign if sign.isprintable() else " " * sign.isspace() for sign in line).strip()


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int((fraction or "0").ljust(3, "0")) / 1000
