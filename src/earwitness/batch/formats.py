"""The output formats: each has a name, a file suffix and a writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from earwitness.core.classes.class_files import write_classes
from earwitness.core.errors import MissingExtraError, UsageError
from earwitness.core.events import of_own_classes
from earwitness.core.files.atomic import atomic_file
from earwitness.core.vocabulary import own_classes
from earwitness.export.captions.caption_files import to_ass, to_srt, to_ttml, to_vtt
from earwitness.export.captions.caption_rules import DEFAULT_LANGUAGE, FILM_RATE, caption_language
from earwitness.export.captions.caption_words import Style
from earwitness.export.captions.captions import CaptionSettings
from earwitness.export.editing.markers import edl_pieces, to_reaper
from earwitness.export.editing.timecode import media_rate, parse_frame_rate
from earwitness.export.editing.timelines import otio_pieces, to_fcpxml, to_xmeml
from earwitness.export.json_annotations import jams_pieces, label_studio_pieces
from earwitness.export.label_tracks import to_audacity, to_elan, to_raven, to_rttm, to_textgrid
from earwitness.export.subtitle_file import read_subtitles
from earwitness.export.tables import csv_pieces, event_csv_pieces, jsonl_pieces, to_parquet, to_submission_csv
from earwitness.results.document import json_pieces

if TYPE_CHECKING:
    from earwitness.render.report_media import Player
    from earwitness.results.detection import Detection

LABEL_SUFFIX: Final = ".csv"
Contents = str | bytes | Iterator[str]
"""A whole file, or pieces of its text, so that hours of sound need not fit into memory at once."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of some formats.

    Attributes:
        captions: style of captions.
        fov: horizontal field of view of the camera, degrees, which positions captions and marks; by default the
            result's own.
        player: media of the report: embedded, linked, embedded if small, or none.
        language: language of captions: a code, or the path of a table.
        dialogue: subtitle file to merge into the captions, in the place of speech.
        fps: frames per second, such as "29.97"; by default those of the video.
    """

    captions: Style = "terse"
    fov: float | None = None
    player: Player = "auto"
    language: str = DEFAULT_LANGUAGE
    dialogue: str | None = None
    fps: str | None = None

    def check(self) -> None:
        """Check the language, the frame rate and the subtitles, before anything is written.

        Raises:
            UsageError: there is no such language or rate.
            SubtitleError: the subtitles cannot be read.
        """
        caption_language(self.language)
        self.rate()
        if self.dialogue is not None:
            read_subtitles(self.dialogue)

    def rate(self) -> Fraction | None:
        """The chosen frame rate, exactly."""
        return None if self.fps is None else parse_frame_rate(self.fps)

    def caption_settings(self, result: Detection) -> CaptionSettings:
        """The settings of the captions of a result."""
        rate = self.rate() or min(FILM_RATE, media_rate(result) or FILM_RATE)
        return replace(self.fixed_caption_settings(), frame_rate=rate)

    def fixed_caption_settings(self) -> CaptionSettings:
        """The settings of captions that do not depend on the result."""
        dialogue = () if self.dialogue is None else tuple(read_subtitles(self.dialogue))
        return CaptionSettings(self.captions, self.language, self.fov, self.rate() or FILM_RATE, dialogue)


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


def _own_classes(to_contents: Callable[[Detection], Contents]) -> Callable[[Detection, Path, Options], Contents]:
    """Adapt a writer of DCASE rows, which hold the model's own classes only."""
    return lambda result, path, options: to_contents(replace(result, table=of_own_classes(result.table)))


def _captions(
    to_text: Callable[[Detection, CaptionSettings], str],
) -> Callable[[Detection, Path, Options], Contents]:
    """Adapt a writer of captions."""
    return lambda result, path, options: to_text(result, options.caption_settings(result))


def _report(result: Detection, path: Path, options: Options) -> Iterator[str]:
    from earwitness.render.report_page import report_pieces

    return report_pieces(result, path, options.fov, options.player)


FORMATS: Final[dict[str, Format]] = {
    known.name: known
    for known in (
        Format("csv", ".csv", "DCASE2025 rows, one for each source and 100 ms", _own_classes(csv_pieces)),
        Format("json", ".json", "events with tracks and provenance", _plain(json_pieces)),
        Format("jsonl", ".jsonl", "JSON Lines, one event a line", _plain(jsonl_pieces)),
        Format(
            "parquet",
            ".parquet",
            "table for pandas and similar tools (extra 'parquet')",
            _plain(to_parquet),
            needs=("pyarrow", "parquet"),
        ),
        Format("events", ".events.csv", "one event a row: seconds, names, metres", _plain(event_csv_pieces)),
        Format("vtt", ".vtt", "WebVTT captions placed by direction", _captions(to_vtt)),
        Format("srt", ".srt", "SubRip captions", _captions(to_srt)),
        Format("ttml", ".ttml", "TTML captions (IMSC 1 text)", _captions(to_ttml)),
        Format("ass", ".ass", "SubStation Alpha captions", _captions(to_ass)),
        Format("html", ".html", "report: one self-contained page", _report),
        Format("audacity", ".audacity.txt", "Audacity label track", _plain(to_audacity)),
        Format("elan", ".eaf", "ELAN annotation", lambda r, path, _: to_elan(r, path)),
        Format("textgrid", ".TextGrid", "Praat TextGrid", _plain(to_textgrid)),
        Format("rttm", ".rttm", "RTTM of diarisation tools", _plain(to_rttm)),
        Format("jams", ".jams", "JAMS annotation", _plain(jams_pieces)),
        Format("raven", ".selections.txt", "Raven selection table", _plain(to_raven)),
        Format(
            "labelstudio",
            ".labelstudio.json",
            "Label Studio task with predictions",
            lambda r, path, _: label_studio_pieces(r, path),
        ),
        Format("edl", ".edl", "markers for DaVinci Resolve (CMX 3600)", lambda r, _, o: edl_pieces(r, o.rate())),
        Format(
            "fcpxml",
            ".fcpxml",
            "markers for Final Cut Pro and Resolve (FCPXML)",
            lambda r, path, o: to_fcpxml(r, path, o.rate()),
        ),
        Format(
            "premiere",
            ".premiere.xml",
            "markers for Premiere Pro and Resolve (Final Cut Pro 7 XML)",
            lambda r, path, o: to_xmeml(r, path, o.rate()),
        ),
        Format("otio", ".otio", "OpenTimelineIO markers", lambda r, path, o: otio_pieces(r, path, o.rate())),
        Format("reaper", ".reaper.csv", "REAPER regions", _plain(to_reaper)),
    )
}

SUBMISSION: Final = Format("challenge", ".csv", "CSV file for the DCASE challenge", _own_classes(to_submission_csv))
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
        write_classes(Path(path).parent, own_classes(result.table.vocabulary))
    contents = chosen.make(result, Path(path), options or chosen.options)
    pieces = [contents] if isinstance(contents, (str, bytes)) else contents
    with atomic_file(Path(path)) as temporary, temporary.open("wb") as file:
        for piece in pieces:
            # File names may contain bytes that are not valid text.
            file.write(piece if isinstance(piece, bytes) else piece.encode(errors="replace"))
