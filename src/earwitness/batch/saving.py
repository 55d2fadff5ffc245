"""Saves a result in the format that a file's name says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from earwitness.batch.formats import FORMATS, Options, write
from earwitness.core.errors import UnreadableMediaError, UsageError

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

PLOTS: Final = frozenset({".png", ".svg", ".pdf"})
VIDEOS: Final = frozenset({".mp4", ".m4v", ".mov", ".mkv"})


def save(result: Detection, path: str | Path, format: str | None = None, **options: Any) -> Path:
    """Write a result; the name's suffix determines the format.

    Args:
        result: the result.
        path: a suffix of `FORMATS` (.json, .csv, .srt, .events.csv, ...), .png, .svg or .pdf for a plot, or .mp4, .mov
            or .mkv for an annotated video.
        format: a format of `FORMATS`, whatever the suffix.
        options: the fields of `Options`, such as `language="de"`.

    Returns:
        The path.

    Raises:
        UsageError: no format has this suffix, or there is no such format or option.
        UnreadableMediaError: a video, and its recording was not found.
        EncodingError: the file cannot be written.
    """
    path = Path(path)
    chosen = _options(options)
    if format is None and path.suffix.lower() in PLOTS:
        from earwitness.render.timeline_picture import result_plot

        result_plot(result, path)
    elif format is None and path.suffix.lower() in VIDEOS:
        _video(result, path, chosen)
    else:
        write(result, path, format or _format_of(path), chosen)
    return path


def _options(given: dict[str, Any]) -> Options:
    try:
        options = Options(**given)
    except TypeError as error:
        known = ", ".join(Options.__dataclass_fields__)
        raise UsageError(f"save() has the options {known} ({error})") from None
    options.check()
    return options


def _format_of(path: Path) -> str:
    """The format with the longest suffix that the name ends with."""
    fitting = [one for one in FORMATS.values() if path.name.lower().endswith(one.suffix.lower())]
    if not fitting:
        suffixes = " ".join(sorted({*(one.suffix for one in FORMATS.values()), *PLOTS, *VIDEOS}))
        raise UsageError(f"{path}: no format has this suffix; use one of {suffixes}, or give format=")
    return max(fitting, key=lambda one: len(one.suffix)).name


def _video(result: Detection, path: Path, options: Options) -> None:
    from earwitness.render.video.annotated_video import VideoOptions, render_video

    if result.media_file is None:
        raise UnreadableMediaError(
            f"{path}: the recording of this result was not found, so there is no video to draw on"
        )
    render_video(result, result.media_file, path, VideoOptions(fov=options.fov))
