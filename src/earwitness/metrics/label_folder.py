"""Folders of labels to score: DCASE CSV files, saved results as JSON, and corrected results."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from earwitness.core.classes.class_files import FILE_NAMES, classes_of, refuse_difference
from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.data.dcase.labels import CLIP_FRAMES, METRES_BELOW_CM, LabelRows, are_metres, read_rows
from earwitness.data.dcase.layout import is_other_table, walk_files
from earwitness.metrics.protocols import Protocol

CORRECTED: Final = ".corrected"
"""End of the stem of corrected results, as the report names them."""
_SUFFIXES: Final = (".csv", ".json")
NAMED: Final = 3
"""Number of files named in a message."""


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
        corrections = [path for path in found if _is_corrected(path)]
        plain = [path for path in found if path not in corrections]
        tables = [path for path in plain if path.suffix.lower() == ".csv"]
        chosen = corrections if reference and corrections else [path for path in tables if not is_other_table(path)]
        if not chosen:
            chosen = [path for path in plain if path.suffix.lower() == ".json"]
        if chosen is not corrections:
            others += [path.name for path in plain if path not in chosen and path not in tables]
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
    return path.suffix.lower() in _SUFFIXES and path.stem.endswith(CORRECTED)


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
