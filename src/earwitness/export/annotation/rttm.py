"""RTTM, the format of diarisation tools: one line for each event, with class (and source) as the speaker.

The format has no fields for direction and distance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from earwitness.core.errors import one_line

if TYPE_CHECKING:
    from earwitness.results.detection import Detection


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
