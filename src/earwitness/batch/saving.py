"""Saves results: one in the format that a file's name says, or the events of many as one table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from earwitness.batch.formats import FORMATS, Options, write
from earwitness.core.errors import LabelError, MissingExtraError, UnreadableMediaError, UsageError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import open_regular
from earwitness.export.tables import combined_csv_pieces, event_rows
from earwitness.results.saved import read_result
from earwitness.results.selection import ClassChoice

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

PLOTS: Final = frozenset({".png", ".svg", ".pdf"})
VIDEOS: Final = frozenset({".mp4", ".m4v", ".mov", ".mkv"})
TABLE_SUFFIXES: Final = (".csv", ".parquet")
_HEAD_BYTES: Final = 4096


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


def combined_table(sources: Sequence[Path], target: Path, choice: ClassChoice | None = None) -> Path:
    """Write the events of saved results as one table, one event a row; the column `file` identifies the recording.

    Args:
        sources: saved results (.json, .csv), read one at a time.
        target: .csv or .parquet.
        choice: classes to keep.

    Raises:
        UsageError: another suffix.
        LabelError: a result cannot be read.
        MissingExtraError: Parquet needs pyarrow.
        EncodingError: the table cannot be written.
    """
    check_table(target)
    if any(source.exists() and target.exists() and target.samefile(source) for source in sources):
        raise UsageError(f"--table {target}: would overwrite a source; choose another name")
    results = _results(sources, choice)
    with atomic_file(target) as temporary:
        if target.suffix.lower() == ".parquet":
            temporary.write_bytes(_to_parquet(row for result in results for row in event_rows(result)))
        else:
            with temporary.open("wb") as file:
                for piece in combined_csv_pieces(results):
                    file.write(piece.encode(errors="replace"))
    return target


def check_table(target: Path) -> None:
    """Check the name of a table.

    Raises:
        UsageError: another suffix.
    """
    if target.suffix.lower() not in TABLE_SUFFIXES:
        raise UsageError(
            f"--table {target}: a table of events is written as {' or '.join(TABLE_SUFFIXES)}; change the name"
        )


def is_result(path: Path) -> bool:
    """Whether a JSON file looks like a saved result; other JSON files may lie in the same folder."""
    try:
        with open_regular(path, LabelError) as file:
            head = file.read(_HEAD_BYTES)
    except (LabelError, OSError):
        return False
    return head.lstrip()[:1] == b"{" and b'"schema_version"' in head and b'"tool"' in head


def _results(sources: Iterable[Path], choice: ClassChoice | None) -> Iterator[Detection]:
    for source in sources:
        result = read_result(source)
        yield result if choice is None else choice.apply(result)


def _to_parquet(rows: Iterable[dict[str, Any]]) -> bytes:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise MissingExtraError("Parquet", "parquet") from error
    sink = BytesIO()
    pq.write_table(pa.Table.from_pylist(json.loads(json.dumps(list(rows)))), sink, compression="zstd")
    return sink.getvalue()
