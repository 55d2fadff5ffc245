"""The formats that detections can be written in: a name, a file suffix and a small writer each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from earwitness.errors import RecipeError
from earwitness.export.audacity import to_audacity
from earwitness.export.csv import to_csv
from earwitness.export.json_events import to_json
from earwitness.export.srt import to_srt
from earwitness.export.vtt import to_vtt
from earwitness.media.atomic import atomic_file

if TYPE_CHECKING:
    from earwitness.inference.detection import Detection


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    Attributes:
        name: what --format calls it.
        suffix: what its files end in.
        about: one line for people.
        to_text: makes the file's contents.
    """

    name: str
    suffix: str
    about: str
    to_text: Callable[[Detection], str]


FORMATS: Final[dict[str, Format]] = {
    known.name: known
    for known in (
        Format("csv", ".csv", "DCASE2025 rows a frame", to_csv),
        Format("json", ".json", "events with tracks and provenance", to_json),
        Format("vtt", ".vtt", "WebVTT captions placed by direction", to_vtt),
        Format("srt", ".srt", "SubRip captions", to_srt),
        Format("audacity", ".audacity.txt", "Audacity label track", to_audacity),
    )
}


def parse_formats(names: Iterable[str]) -> tuple[Format, ...]:
    """Formats by name, each once; a name may also be a list with commas.

    Raises:
        RecipeError: an unknown name.
    """
    asked = [name.strip().lower() for given in names for name in given.split(",") if name.strip()]
    unknown = [name for name in asked if name not in FORMATS]
    if unknown:
        raise RecipeError(f"unknown format '{unknown[0]}'; choose from: {', '.join(FORMATS)}")
    return tuple(FORMATS[name] for name in dict.fromkeys(asked))


def write(detection: Detection, path: str | Path, format: str | Format) -> None:
    """Write a detection; the file appears complete or not at all.

    Raises:
        RecipeError: an unknown format.
        EncodingError: the file cannot be written.
    """
    (chosen,) = (format,) if isinstance(format, Format) else parse_formats([format])
    text = chosen.to_text(detection)
    with atomic_file(Path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
