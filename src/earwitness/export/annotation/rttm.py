"""RTTM, the format of diarisation tools: one line a sound, class (and source) in the place of the speaker.

There is no place for directions or distances in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from earwitness.core.errors import one_line

if TYPE_CHECKING:
    from earwitness.results.detection import Detection


def to_rttm(result: Detection) -> str:
    """Return the ten fields a line of NIST's RT-09 plan: type, file, channel, onset, duration, ..., name, score, <NA>.

    All lines are of type SPEAKER, since that is what readers look for; spaces in the file's name become "_", and what
    does not print an escape.
    """
    stem = "clip" if result.path is None else result.path.stem
    file = one_line(stem).replace(" ", "_") or "clip"
    lines = []
    for event in result.events:
        name = event.sound_class.slug + (f"_{event.source}" if event.source else "")
        times = f"{event.start:.3f} {event.end - event.start:.3f}"
        lines.append(f"SPEAKER {file} 1 {times} <NA> <NA> {name} {event.score:.3f} <NA>\n")
    return "".join(lines)
