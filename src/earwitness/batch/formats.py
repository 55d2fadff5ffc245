"""The output formats: each has a name, a file suffix and a writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from earwitness.core.classes.class_files import write_classes
from earwitness.core.errors import MissingExtraError, UsageError
from earwitness.core.files.atomic import atomic_file
from earwitness.export.annotation.audacity import to_audacity
from earwitness.export.annotation.elan import to_elan
from earwitness.export.annotation.jams import jams_pieces
from earwitness.export.annotation.rttm import to_rttm
from earwitness.export.annotation.textgrid import to_textgrid
from earwitness.export.captions.captions import Style
from earwitness.export.captions.srt import to_srt
from earwitness.export.captions.vtt import to_vtt
from earwitness.export.tables.csv import csv_pieces, to_submission_csv
from earwitness.export.tables.jsonl import jsonl_pieces
from earwitness.export.tables.parquet import to_parquet
from earwitness.render.report.player import Player
from earwitness.results.document import json_pieces

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

LABEL_SUFFIX: Final = ".csv"
Contents = str | bytes | Iterator[str]
"""A whole file, or pieces of its text, so that hours of sound need not fit into memory at once."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of some formats.

    Attributes:
        captions: style of vtt and srt.
        fov: horizontal field of view of the camera, degrees, which positions captions and marks; by default the
            result's own.
        player: media of the report: embedded, linked, embedded if small, or none.
    """

    captions: Style = "terse"
    fov: float | None = None
    player: Player = "auto"


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    Attributes:
        name: name for --format.
        suffix: suffix of the files.
        about: one-line description.
        make: returns the contents of a file, given its path, which links are relative to.
        options: the chosen options.
        needs: an optional module, and the extra that installs it.
    """

    name: str
    suffix: str
    about: str
    make: Callable[[Detection, Path, Options], Contents]
    options: Options = Options()
    needs: tuple[str, str] | None = None

    def contents(self, result: Detection, path: Path | None = None) -> str | bytes:
        """The contents of the file at `path`; by default of one in the current folder."""
        made = self.make(result, path or Path("events" + self.suffix), self.options)
        return made if isinstance(made, (str, bytes)) else "".join(made)

    def __reduce__(self) -> tuple[Callable[[str, Options], Format], tuple[str, Options]]:
        """Pickle by name, for worker processes; the writers are lambdas, which cannot be pickled."""
        return _known, (self.name, self.options)


def _known(name: str, options: Options) -> Format:
    return replace(SUBMISSION if name == SUBMISSION.name else FORMATS[name], options=options)


def _plain(to_contents: Callable[[Detection], Contents]) -> Callable[[Detection, Path, Options], Contents]:
    """Adapt a writer that needs the result only."""
    return lambda result, path, options: to_contents(result)


def _report(result: Detection, path: Path, options: Options) -> Iterator[str]:
    from earwitness.render.report import report_pieces

    return report_pieces(result, path, options.fov, options.player)


FORMATS: Final[dict[str, Format]] = {
    known.name: known
    for known in (
        Format("csv", ".csv", "DCASE2025 rows, one for each source and 100 ms", _plain(csv_pieces)),
        Format("json", ".json", "events with tracks and provenance", _plain(json_pieces)),
        Format("jsonl", ".jsonl", "JSON Lines, one event a line", _plain(jsonl_pieces)),
        Format(
            "parquet",
            ".parquet",
            "table for pandas and similar tools (extra 'parquet')",
            _plain(to_parquet),
            needs=("pyarrow", "parquet"),
        ),
        Format("vtt", ".vtt", "WebVTT captions placed by direction", lambda r, _, o: to_vtt(r, o.captions, o.fov)),
        Format("srt", ".srt", "SubRip captions", lambda r, _, o: to_srt(r, o.captions)),
        Format("html", ".html", "report: one self-contained page", _report),
        Format("audacity", ".audacity.txt", "Audacity label track", _plain(to_audacity)),
        Format("elan", ".eaf", "ELAN annotation", lambda r, path, _: to_elan(r, path)),
        Format("textgrid", ".TextGrid", "Praat TextGrid", _plain(to_textgrid)),
        Format("rttm", ".rttm", "RTTM of diarisation tools", _plain(to_rttm)),
        Format("jams", ".jams", "JAMS annotation", _plain(jams_pieces)),
    )
}

SUBMISSION: Final = Format("challenge", ".csv", "CSV file for the DCASE challenge", _plain(to_submission_csv))
"""Not available by name, because it would overwrite `csv`."""


def parse_formats(names: Iterable[str], options: Options | None = None) -> tuple[Format, ...]:
    """Return formats by name, without duplicates; a name may also be a list with commas.

    Raises:
        UsageError: a name is unknown.
        MissingExtraError: a format needs a package that is not installed.
    """
    asked = [name.strip().lower() for given in names for name in given.split(",") if name.strip()]
    unknown = [name for name in asked if name not in FORMATS]
    if unknown:
        raise UsageError(f"unknown format '{unknown[0]}'; choose from: {', '.join(FORMATS)}")
    chosen = tuple(replace(FORMATS[name], options=options or Options()) for name in dict.fromkeys(asked))
    for one in chosen:
        if one.needs is not None and find_spec(one.needs[0]) is None:
            raise MissingExtraError(f"the format '{one.name}'", one.needs[1])
    return chosen


def write(result: Detection, path: str | Path, format: str | Format, options: Options | None = None) -> None:
    """Write a result to a file, atomically.

    A CSV file with other classes than those of DCASE2025 gets a list of them beside it.

    Args:
        result: a detection; `read_result` reads a saved one.
        path: the file to write.
        format: a format, or its name.
        options: options of the format; by default those of `format`.

    Raises:
        UsageError: the format is unknown.
        LabelError: a CSV file, and the folder has labels of other classes.
        EncodingError: the file cannot be written.
        MissingExtraError: the format needs a package that is not installed.
    """
    (chosen,) = (format,) if isinstance(format, Format) else parse_formats([format])
    if chosen.suffix == LABEL_SUFFIX:
        write_classes(Path(path).parent, result.table.vocabulary)
    contents = chosen.make(result, Path(path), options or chosen.options)
    pieces = [contents] if isinstance(contents, (str, bytes)) else contents
    with atomic_file(Path(path)) as temporary, temporary.open("wb") as file:
        for piece in pieces:
            # File names may contain bytes that are not valid text.
            file.write(piece if isinstance(piece, bytes) else piece.encode(errors="replace"))
