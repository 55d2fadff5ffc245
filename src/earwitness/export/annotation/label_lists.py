"""Lists of labels, one line for each event: Audacity, Raven, and RTTM of diarisation tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from earwitness.core.errors import one_line
from earwitness.export.editing.markers import recording_info
from earwitness.export.wording import place

if TYPE_CHECKING:
    from earwitness.results.detection import Detection


def to_audacity(result: Detection) -> str:
    """Return the label track of a result (Audacity manual: Importing and Exporting Labels)."""
    return "".join(
        f"{event.start:.6f}\t{event.end:.6f}\t{event.sound_class.name}, {place(event, result.has_video)}\n"
        for event in result.iter_events()
    )


COLUMNS: Final = (
    "Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)", "Begin File",
    "Annotation", "Azimuth (deg)", "Distance (m)", "On Screen", "Score",
)  # fmt: skip
_DEFAULT_TOP: Final = 12_000.0
"""Half of the sample rate that models read, Hz."""


def to_raven(result: Detection) -> str:
    """Return a tab-separated table (Raven Pro user's manual: selection tables).

    Events have no limits of frequency, so each selection spans the whole band of the recording. Unknown directions and
    distances are empty.
    """
    top, file = top_frequency(result), "" if result.path is None else one_line(result.path.name)
    lines = ["\t".join(COLUMNS)]
    for number, event in enumerate(result.table.iter_events(), start=1):
        azimuth = "" if event.azimuth != event.azimuth else f"{event.azimuth:.1f}"
        distance = "" if event.distance != event.distance else f"{event.distance:.2f}"
        onscreen = "" if not result.has_video else "yes" if event.onscreen else "no"
        lines.append("\t".join((
            str(number), "Spectrogram 1", "1", f"{event.start:.3f}", f"{event.end:.3f}", "0.0", f"{top:.1f}", file,
            one_line(event.sound_class.name), azimuth, distance, onscreen, f"{event.score:.3f}",
        )))  # fmt: skip
    return "\n".join(lines) + "\n"


def top_frequency(result: Detection) -> float:
    """Highest frequency of the recording, Hz."""
    audio = None if (info := recording_info(result)) is None else info.audio
    return _DEFAULT_TOP if audio is None else audio.rate / 2


def to_rttm(result: Detection) -> str:
    """Return lines of ten fields (NIST RT-09): type, file, channel, onset, duration, ..., name, score, <NA>.

    All lines have the type SPEAKER, which readers expect. In the file's name, spaces become "_" and unprintable
    characters are escaped.
    """
    file, lines = file_field(result), []
    for event in result.events:
        name = event.sound_class.slug + (f"_{event.source}" if event.source else "")
        times = f"{event.start:.3f} {event.end - event.start:.3f}"
        lines.append(f"SPEAKER {file} 1 {times} <NA> <NA> {name} {event.score:.3f} <NA>\n")
    return "".join(lines)


def file_field(result: Detection) -> str:
    """The recording's name without suffix and spaces."""
    return one_line("clip" if result.path is None else result.path.stem).replace(" ", "_") or "clip"
