"""Finds the media files named by files, folders and glob patterns, and reports what was skipped."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from earwitness.core.errors import MediaError
from earwitness.core.files.walk import Walk

VIDEO_SUFFIXES: Final = frozenset(
    {".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".m2t", ".m2ts", ".m2v", ".m4v", ".mkv", ".mod",
     ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogm", ".ogv", ".qt", ".tod", ".ts", ".vob", ".webm",
     ".wmv"}
)  # fmt: skip
AUDIO_SUFFIXES: Final = frozenset(
    {".aac", ".ac3", ".adts", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape", ".au", ".awb", ".bw64", ".bwf",
     ".caf", ".dts", ".eac3", ".ec3", ".flac", ".m4a", ".m4b", ".mka", ".mp2", ".mp3", ".mpa", ".oga", ".ogg", ".opus",
     ".rf64", ".snd", ".spx", ".tta", ".w64", ".wav", ".wave", ".weba", ".wma", ".wv"}
)  # fmt: skip
MEDIA_SUFFIXES: Final = VIDEO_SUFFIXES | AUDIO_SUFFIXES
_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Found:
    """Result of `search` for one input.

    Attributes:
        files: media files, each once, sorted within a folder or glob.
        outright: whether the input names the file itself.
        problems: broken links, unreadable folders, pipes and devices, one sentence each.
        left_out: files skipped because of their names, one sentence each.
    """

    files: tuple[Path, ...]
    outright: bool = False
    problems: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def find_media(inputs: Sequence[str | Path]) -> list[Path]:
    """The media files of all inputs, each once, in the order of the inputs; see `search`.

    Raises:
        MediaError: as `search`.
    """
    found: dict[Path, None] = {}
    for given in inputs:
        for file in search(given).files:
            found.setdefault(file)
    return list(found)


def search(given: str | Path) -> Found:
    """Find the media files of a file name, a folder or a glob pattern.

    A file that is named directly is accepted with any extension. Folders are searched recursively for known extensions,
    including linked folders, each folder once; hidden files are skipped. A name that does not exist is interpreted as a
    glob pattern ("**" included).

    Raises:
        MediaError: the input does not exist, or the folder or pattern contains no media files.
    """
    if not str(given):
        raise MediaError("the input name is empty; name a file, or '.' for the current folder")
    path = _home_expanded(Path(given))
    mode = _mode(path)
    if mode is None:
        if not glob.has_magic(str(path)):
            raise MediaError(f"{path}: {_absence(path)}")
        walk = Walk(MEDIA_SUFFIXES)
        walk.search_glob(path)
        return _found(path, walk, "the pattern matches no video or audio file")
    if stat.S_ISREG(mode):
        return Found((path,), outright=True)
    if not stat.S_ISDIR(mode):
        raise MediaError(f"{path}: is a pipe or a device, which can be read only once; save it as a file first")
    walk = Walk(MEDIA_SUFFIXES)
    walk.search_folder(path)
    return _found(path, walk, "no video or audio file in this folder")


def _home_expanded(path: Path) -> Path:
    """Expand "~" to the home folder, unless a file of that literal name exists."""
    if str(path).startswith("~") and not os.path.lexists(path):
        with suppress(RuntimeError):  # no such user
            return path.expanduser()
    return path


def _mode(path: Path) -> int | None:
    """Mode of a file; None if it does not exist.

    Raises:
        MediaError: the file cannot be accessed.
    """
    if str(path) == "-":
        raise MediaError(f"{path}: is a pipe or a device, which can be read only once; save it as a file first")
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG and glob.has_magic(str(path)):
            return None
        reason = error.strerror if isinstance(error, OSError) else error
        raise MediaError(f"{path}: cannot be accessed ({reason}); check the name and its permissions") from None


def _absence(path: Path) -> str:
    if path.is_symlink():
        return f"is a broken link to {path.readlink()}; fix the link"
    return "no such file or folder; check the name"


def _found(path: Path, walk: Walk, nothing: str) -> Found:
    """Result of a walk.

    Raises:
        MediaError: no file was found; the message says `nothing`.
    """
    problems = (
        *_sentences(path, walk.dead, "broken link", "broken links"),
        *_sentences(path, walk.loops, "link to a parent folder", "links to parent folders"),
        *_sentences(path, walk.unreadable, "folder that cannot be read", "folders that cannot be read"),
        *_sentences(path, walk.special, "pipe or device", "pipes or devices"),
    )
    if not walk.files:
        known = " ".join(sorted(MEDIA_SUFFIXES))
        why = "".join(f"; {problem.removeprefix(f'{path}: ')}" for problem in problems)
        raise MediaError(f"{path}: {nothing}{why}; known extensions: {known}")
    suffixes = " ".join(sorted(walk.others)[:8]) + (" ..." if len(walk.others) > 8 else "")
    number = sum(walk.others.values())
    left_out = []
    if number:
        files = "1 file with another extension" if number == 1 else f"{number} files with other extensions"
        left_out.append(f"{path}: skipped {files} ({suffixes}); name a file directly to include it")
    if walk.hidden:
        files = "1 hidden file" if walk.hidden == 1 else f"{walk.hidden} hidden files"
        left_out.append(f"{path}: skipped {files}; name a file directly to include it")
    return Found(tuple(sorted(walk.files)), False, problems, tuple(left_out))


def _sentences(path: Path, those: Sequence[Path], one: str, many: str) -> list[str]:
    if not those:
        return []
    named = ", ".join(map(str, sorted(those)[:_MOST_NAMED])) + (", ..." if len(those) > _MOST_NAMED else "")
    return [f"{path}: skipped {f'1 {one}' if len(those) == 1 else f'{len(those)} {many}'}: {named}"]
