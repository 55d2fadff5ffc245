"""Folders of labels and their scores, and a comparison of one clip, event by event.

Labels are DCASE CSV files, saved results as JSON, and corrected results.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from earwitness.core.classes.class_files import FILE_NAMES, classes_of, refuse_difference
from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable, SoundEvent
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.data.dcase.labels import CLIP_FRAMES, METRES_BELOW_CM, LabelRows, are_metres, read_rows
from earwitness.data.dcase.layout import is_other_table, walk_files
from earwitness.metrics.counts import count
from earwitness.metrics.protocols import Protocol
from earwitness.metrics.scores import Scores, score_tables

CORRECTED: Final = ".corrected"
"""End of the stem of corrected results, as the report names them."""
_SUFFIXES: Final = (".csv", ".json")
NAMED: Final = 3
"""Number of files named in a message."""
_SAME_CLASSES: Final = "both with the same classes (earwitness-classes.json in their folders, or --classes)"


@dataclass(frozen=True, slots=True, eq=False)
class LabelFolder:
    """Label files, by name without suffix.

    Attributes:
        where: the folders or files, for messages.
        clips: rows of each file.
        notes: irregularities, one sentence each.
        vocabulary: the classes that the labels refer to.
        num_frames: length of the longest clip that was read from a JSON file; 0 without such files.
        corrected: whether only corrected results were read, of a folder that may contain other files.
        single: whether one file was named instead of a folder.
    """

    where: str
    clips: dict[str, LabelRows]
    notes: tuple[str, ...]
    vocabulary: Vocabulary = DCASE2025
    num_frames: int = 0
    corrected: bool = False
    single: bool = False

    def answering(self, references: LabelFolder) -> LabelFolder:
        """These predictions, as far as they answer `references`.

        One file answers one file, whatever their names. Clips without corrections are left out if the references are
        corrected results.
        """
        if self.single and references.single and len(references.clips) == 1:
            return replace(self, clips=dict(zip(references.clips, self.clips.values(), strict=True)))
        if not references.corrected:
            return self
        kept = {name: rows for name, rows in self.clips.items() if name in references.clips}
        left = len(self.clips) - len(kept)
        clips = "1 clip has" if left == 1 else f"{left} clips have"
        notes = (f"{self.where}: {clips} no corrected reference, not scored",) if left else ()
        return replace(self, clips=kept, notes=(*self.notes, *notes))


def read_folder(
    folders: Path | str | Sequence[Path | str],
    protocol: Protocol | str = Protocol.STRICT,
    num_frames: int = CLIP_FRAMES,
    classes: Vocabulary | None = None,
    *,
    reference: bool = False,
) -> LabelFolder:
    """Read all CSV files in and below `folders`; other files and hidden files are ignored.

    Ignored files are noted, except for those with the name of a CSV file and another suffix, as `detect` writes them.
    A file may be named instead of a folder: a CSV file, or a result as JSON. As references, corrected results in a
    folder (NAME.corrected.json or .csv, as the report saves them) count as those of the clip NAME, and all other files
    there are ignored; as predictions, they are ignored. A folder without CSV files is read for results as JSON.

    `strict` refuses frames at or after `num_frames` and repeated rows; `dcase2025` accepts both, as the official scorer
    does. The length of a clip from a JSON file is that in the file.

    Args:
        folders: one or several.
        protocol: scoring protocol.
        num_frames: length of the clips.
        classes: the classes that the labels refer to; by default those that the files or the folders name
            (`core.classes.class_files`), else DCASE2025.
        reference: whether the labels are the references.

    Raises:
        LabelError: a folder is missing or has no labels, two files have the same name, a file breaks the format, or
            the files refer to different classes.
    """
    roots = [Path(folder) for folder in ([folders] if isinstance(folders, str | Path) else folders)]
    strict = Protocol(protocol) is Protocol.STRICT
    where = ", ".join(map(str, roots))
    paths, others = _find(roots, reference)
    if not paths:
        raise LabelError(f"{where}: no .csv files; give the folder that holds one DCASE CSV file per clip")
    vocabulary = classes or _classes_of(roots, paths)
    clips, longest = {}, 0
    for name, path in paths.items():
        if path.suffix.lower() == ".json":
            clips[name], frames = _rows_of_result(path, vocabulary, where)
            longest = max(longest, frames)
        else:
            last = num_frames if strict else None
            clips[name] = read_rows(path, num_frames=last, unique=strict, vocabulary=vocabulary)
    notes = _notes(where, paths, clips, others)
    single = len(roots) == 1 and roots[0].is_file()
    corrected = reference and any(CORRECTED in path.suffixes for path in paths.values())
    return LabelFolder(where, clips, tuple(notes), vocabulary, longest, corrected, single)


def _notes(where: str, paths: dict[str, Path], clips: dict[str, LabelRows], others: list[str]) -> list[str]:
    """Irregularities of the files."""
    notes = []
    stems = {path.stem for path in paths.values()}
    others = [name for name in others if not _is_companion(name, stems)]
    if others:
        notes.append(f"{where}: {files_text(others)} not .csv, ignored ({some(others)})")
    blank = [f"{name}.csv" for name, path in paths.items() if not len(clips[name]) and not path.stat().st_size]
    if blank:
        notes.append(f"{where}: {files_text(blank)} without a header, treated as clips without events ({some(blank)})")
    if are_metres(LabelRows.concatenate(clips.values()).distance_cm):
        notes.append(
            f"{where}: half of the distances are below {METRES_BELOW_CM} cm; if they are metres, convert them to cm"
        )
    return notes


def _classes_of(roots: list[Path], paths: dict[str, Path]) -> Vocabulary:
    """The classes of the labels in some folders.

    Raises:
        LabelError: the folders have different classes.
    """
    first_path = next(iter(paths.values()))
    if first_path.suffix.lower() == ".json":
        return _read_result(first_path).vocabulary
    first, *others = (classes_of(root.parent if root.is_file() else root) for root in roots)
    for root, other in zip(roots[1:], others, strict=True):
        refuse_difference(other, first, f"'{root}' does not fit '{roots[0]}'", "folders with the same classes")
    return first


def _read_result(path: Path) -> EventTable:
    from earwitness.results.document import read_events  # imports PyAV, which scores of CSV files do not need

    return read_events(path)


def _rows_of_result(path: Path, vocabulary: Vocabulary, where: str) -> tuple[LabelRows, int]:
    """The rows of a result as JSON, and its length in frames."""
    table = _read_result(path)
    refuse_difference(table.vocabulary, vocabulary, f"'{path}' does not fit '{where}'", "results of the same classes")
    try:
        return LabelRows.from_table(table), table.num_frames
    except LabelError as error:
        raise LabelError(f"{path}: {error}") from None


def _find(roots: list[Path], reference: bool) -> tuple[dict[str, Path], list[str]]:
    """Label files by name, in order of path; and the names of files that are none."""
    paths: list[Path] = []
    others: list[str] = []
    for root in roots:
        if root.is_file():
            if root.suffix.lower() not in _SUFFIXES:
                raise LabelError(f"{root}: not labels; name a .csv or .json file, or a folder")
            paths.append(root)
            continue
        if not root.is_dir():
            raise LabelError(f"{root}: no such folder")
        found = [path for path in walk_files(root) if path.name not in FILE_NAMES]
        corrections: list[Path] = []
        plain: list[Path] = []
        for path in found:
            (corrections if _is_corrected(path) else plain).append(path)
        tables = [path for path in plain if path.suffix.lower() == ".csv"]
        chosen = corrections if reference and corrections else [path for path in tables if not is_other_table(path)]
        if not chosen:
            chosen = [path for path in plain if path.suffix.lower() == ".json"]
        if chosen is not corrections:
            known = {*chosen, *tables}  # a set: there may be ten thousands of files
            others += [path.name for path in plain if path not in known]
        paths += chosen
    named: dict[str, Path] = {}
    for path in paths:
        name = path.stem.removesuffix(CORRECTED)
        if name in named and not (CORRECTED in path.suffixes and path.suffix != named[name].suffix):
            raise LabelError(f"{path} and {named[name]} have the same name; remove one")
        if name not in named or path.suffix.lower() == ".json":  # more exact than the CSV of the same corrections
            named[name] = path
    return named, others


def _is_corrected(path: Path) -> bool:
    return path.stem.endswith(CORRECTED) and path.suffix.lower() in _SUFFIXES


def _is_companion(name: str, stems: Collection[str]) -> bool:
    """Whether a file is named as a CSV file up to one of its dots: clip.json, clip.growing.jsonl beside clip.csv."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in stems for count in range(1, len(parts)))


def files_text(names: list[str]) -> str:
    """Number of files, for messages."""
    return f"{len(names)} file{'s' if len(names) > 1 else ''}"


def some(names: list[str]) -> str:
    """The first few names, for messages."""
    return ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")


def score_folders(references: LabelFolder, predictions: LabelFolder, protocol: Protocol | str) -> Scores:
    """Score all predictions against all references, files paired by name.

    Raises:
        LabelError: a prediction file has no reference file.
    """
    protocol = Protocol(protocol)
    what = f"the predictions in '{predictions.where}' do not fit the references in '{references.where}'"
    refuse_difference(predictions.vocabulary, references.vocabulary, what, _SAME_CLASSES)
    unknown = sorted(f"{name}.csv" for name in predictions.clips.keys() - references.clips.keys())
    if unknown:
        raise LabelError(
            f"{predictions.where}: {files_text(unknown)} without a reference of the same name in {references.where} "
            f"({some(unknown)}); remove them or complete the references"
        )
    names = sorted(references.clips)
    missing = [f"{name}.csv" for name in names if name not in predictions.clips]
    notes = [*references.notes, *predictions.notes]
    if missing:
        fate = "skipped, as the official scorer does" if protocol is Protocol.DCASE2025 else "counted as misses"
        notes.append(
            f"{predictions.where}: {len(missing)} of {len(names)} predictions are missing, {fate} ({some(missing)})"
        )
    rows = [references.clips[name] for name in names]
    counts = count(names, rows, [predictions.clips.get(name) for name in names], protocol)
    return Scores.from_counts(counts, protocol, tuple(notes))


DETECTED_SHARE: Final = 0.3
"""An event counts as detected when its class is reported in at least this share of its frames."""
MAX_GAP: Final = 5


@dataclass(frozen=True, slots=True)
class Comparison:
    """Detections of one clip compared with its true events.

    Attributes:
        events: number of true events.
        missed: names of the classes of undetected events.
        extra: names of reported classes that do not occur.
        azimuth_error: median over detected events of the median error, degrees; NaN if none was detected.
        distance_error: the same for the error relative to the true distance.
        onscreen_right: share of detected events with the right on/off screen.
        f_score: F20/1 over all classes together (micro, strict).
    """

    events: int
    missed: tuple[str, ...]
    extra: tuple[str, ...]
    azimuth_error: float
    distance_error: float
    onscreen_right: float
    f_score: float

    def lines(self) -> list[str]:
        """Sentences for a terminal."""
        detected = self.events - len(self.missed)
        missed = f"; missed: {', '.join(self.missed)}" if self.missed else ""
        lines = [f"detected {detected} of {self.events} events{missed}"]
        if self.extra:
            lines.append(f"reported, but not in the clip: {', '.join(self.extra)}")
        if detected:
            lines.append(
                f"typical error of detected events: direction {self.azimuth_error:.0f} degrees, "
                f"distance {self.distance_error:.0%}; on/off screen right for {self.onscreen_right:.0%}"
            )
        lines.append(
            f"F20/1 over all frames {self.f_score:.2f} (1 is perfect: class, within 20 degrees and twice the distance)"
        )
        return lines


def compare(reference: EventTable, detected: EventTable) -> Comparison:
    """Compare the `detected` events with the `reference`, event by event."""
    events = reference.events(max_gap=MAX_GAP)
    matches = [_match(event, detected) for event in events]
    found = [match for match in matches if match is not None]
    extra = set(detected.class_index.tolist()) - set(reference.class_index.tolist())
    return Comparison(
        events=len(events),
        missed=tuple(e.sound_class.name for e, match in zip(events, matches, strict=True) if match is None),
        extra=tuple(detected.vocabulary[index].name for index in sorted(extra)),
        azimuth_error=float(np.median([match[0] for match in found])) if found else float("nan"),
        distance_error=float(np.median([match[1] for match in found])) if found else float("nan"),
        onscreen_right=float(np.mean([match[2] for match in found])) if found else float("nan"),
        f_score=score_tables([reference], [_same_length(detected, reference)]).micro.f_score,
    )


def _match(event: SoundEvent, detected: EventTable) -> tuple[float, float, bool] | None:
    """Median azimuth error, median relative distance error and on/off agreement; None if the event is not detected."""
    truth = event.table
    same = detected.select(np.flatnonzero(detected.class_index == event.sound_class.index))
    rows = [
        (abs(float(same.azimuth[row]) - float(truth.azimuth[index])), row, index)
        for index, frame in enumerate(truth.frame.tolist())
        for row in np.flatnonzero(same.frame == frame).tolist()
    ]
    nearest: dict[int, tuple[float, int]] = {}
    for error, row, index in rows:
        if index not in nearest or error < nearest[index][0]:
            nearest[index] = (error, row)
    if len(nearest) < DETECTED_SHARE * len(truth):
        return None
    distances = [
        abs(float(same.distance[row]) - float(truth.distance[index])) / max(float(truth.distance[index]), 1e-6)
        for index, (_, row) in nearest.items()
    ]
    agreement = np.mean([same.onscreen[row] == truth.onscreen[index] for index, (_, row) in nearest.items()])
    return (
        float(np.median([error for error, _ in nearest.values()])),
        float(np.median(distances)),
        bool(agreement >= 0.5),
    )


def _same_length(table: EventTable, like: EventTable) -> EventTable:
    return table.window(0, like.num_frames)
