"""The formats that results can be written in: a name, a file suffix and a small writer each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

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

Contents = str | bytes | Iterator[str]
"""All of a file, or pieces of its text: that of hours of sound need not be held at once."""


@dataclass(frozen=True, slots=True)
class Options:
    """What some formats let one choose.

    Attributes:
        captions: style of vtt and srt.
        fov: horizontal field of view of the camera, degrees; places captions, and marks in the report. By default
            the one with which the result was made.
        player: how the report gets its media: in the file, beside it, in the file if it is small, or not at all.
    """

    captions: Style = "terse"
    fov: float | None = None
    player: Player = "auto"


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    Attributes:
        name: what --format calls it.
        suffix: what its files end in.
        about: one line for people.
        make: makes the file's contents; told the path that it will have, for links.
        options: what was chosen.
        needs: a module that an optional install brings, and the name of that.
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
        """Pickled by name, for worker processes: writers made on the spot cannot be pickled themselves."""
        return _known, (self.name, self.options)


def _known(name: str, options: Options) -> Format:
    return replace(SUBMISSION if name == SUBMISSION.name else FORMATS[name], options=options)


def _plain(to_contents: Callable[[Detection], Contents]) -> Callable[[Detection, Path, Options], Contents]:
    """A writer that needs nothing but the result."""
    return lambda result, path, options: to_contents(result)


def _report(result: Detection, path: Path, options: Options) -> Iterator[str]:
    from earwitness.render.report import report_pieces

    return report_pieces(result, path, options.fov, options.player)


FORMATS: Final[dict[str, Format]] = {
    known.name: known
    for known in (
        Format("csv", ".csv", "DCASE2025 rows, one a source and 100 ms", _plain(csv_pieces)),
        Format("json", ".json", "events with tracks and provenance", _plain(json_pieces)),
        Format("jsonl", ".jsonl", "JSON Lines, one event a line", _plain(jsonl_pieces)),
        Format(
            "parquet",
            ".parquet",
            "table for pandas and the like (extra 'parquet')",
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

SUBMISSION: Final = Format("challenge", ".csv", "what the DCASE challenge takes", _plain(to_submission_csv))
"""Not to be asked for by name: it would overwrite `csv`."""


def parse_formats(names: Iterable[str], options: Options | None = None) -> tuple[Format, ...]:
    """Formats by name, each once; a name may also be a list with commas.

    Raises:
        UsageError: an unknown name.
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
    """Write a result; the file appears complete or not at all.

    Args:
        result: a `Detection`, or one that was read by `read_result`.
        path: the file to write.
        format: its name, as `--format` takes it, or one of `parse_formats`.
        options: what some formats let one choose; by default those of `format`.

    Raises:
        UsageError: an unknown format.
        EncodingError: the file cannot be written.
        MissingExtraError: the format needs a package that is not installed.
    """
    (chosen,) = (format,) if isinstance(format, Format) else parse_formats([format])
    contents = chosen.make(result, Path(path), options or chosen.options)
    pieces = [contents] if isinstance(contents, (str, bytes)) else contents
    with atomic_file(Path(path)) as temporary, temporary.open("wb") as file:
        for piece in pieces:
            # Names of files may hold bytes that are no text.
            file.write(piece if isinstance(piece, bytes) else piece.encode(errors="replace"))
