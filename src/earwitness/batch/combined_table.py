"""One table of the events of many results: CSV, or Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from earwitness.core.errors import LabelError, MissingExtraError, UsageError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import open_regular
from earwitness.export.tables.event_csv import combined_csv_pieces, event_rows
from earwitness.results.class_choice import ClassChoice
from earwitness.results.saved import read_result

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

SUFFIXES: Final = (".csv", ".parquet")
_HEAD_BYTES: Final = 4096


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
            temporary.write_bytes(_parquet(row for result in results for row in event_rows(result)))
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
    if target.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--table {target}: a table of events is written as {' or '.join(SUFFIXES)}; change the name")


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


def _parquet(rows: Iterable[dict[str, Any]]) -> bytes:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise MissingExtraError("Parquet", "parquet") from error
    sink = BytesIO()
    pq.write_table(pa.Table.from_pylist(json.loads(json.dumps(list(rows)))), sink, compression="zstd")
    return sink.getvalue()
