"""From what a user names (files, folders, globs) to a list of media files."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from earwitness.core.errors import MediaError

VIDEO_SUFFIXES: Final = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts",
     ".mts", ".m2ts", ".wmv", ".asf", ".flv", ".3gp", ".3g2", ".ogv", ".mxf", ".vob", ".dv"}
)  # fmt: skip
AUDIO_SUFFIXES: Final = frozenset(
    {".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".oga", ".opus",
     ".wma", ".aif", ".aiff", ".aifc", ".caf", ".w64", ".rf64", ".au", ".mka", ".ac3", ".eac3", ".amr"}
)  # fmt: skip
MEDIA_SUFFIXES: Final = VIDEO_SUFFIXES | AUDIO_SUFFIXES


def find_media(inputs: Sequence[str | Path]) -> list[Path]:
    """Media files named by `inputs`, each once, in the order of the inputs and sorted within a folder or glob.

    A file named outright is taken whatever its extension; folders are searched through and through for known
    extensions, hidden files left out. A name that does not exist is taken for a glob ("**" included).

    Raises:
        MediaError: an input that does not exist, or a folder or glob without media in it.
    """
    found: dict[Path, None] = {}
    for given in inputs:
        path = Path(given).expanduser()
        for file in _expand(path):
            found.setdefault(file)
    return list(found)


def _expand(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        files = _media_below(path)
        if not files:
            raise MediaError(f"{path}: no video or audio file in this folder; known extensions: {_known()}")
        return files
    if str(path) == "-" or path.exists():
        raise MediaError(f"{path}: is a pipe or a device, which can be read only once; save it as a file first")
    if not glob.has_magic(str(path)):
        raise MediaError(f"{path}: no such file or folder; check the name")
    matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207 (absolute patterns too)
    files = [file for match in matches for file in (_media_below(match) if match.is_dir() else [match])]
    files = [file for file in files if file.suffix.lower() in MEDIA_SUFFIXES]
    if not files:
        raise MediaError(f"{path}: the pattern matches no video or audio file; known extensions: {_known()}")
    return files


def _media_below(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in MEDIA_SUFFIXES
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def _known() -> str:
    return " ".join(sorted(MEDIA_SUFFIXES))
