"""The plan of a batch: the files that its inputs name, the names of their results, and who owns which results.

The name of a result is the file's stem if unused, else with its folders, then its extension, then a hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from os.path import commonpath
from pathlib import Path
from typing import Final, Protocol

from earwitness.batch.formats import FORMATS, SUBMISSION, Format, Options, parse_formats
from earwitness.batch.jobs import INCREMENTAL_SUFFIX, RENDER_SUFFIX, Failure, Job
from earwitness.batch.journal import JOURNAL_NAME, key, owners, read_journal
from earwitness.core.errors import EarwitnessError, EncodingError, LabelError, UsageError
from earwitness.core.files.lock import LONGEST_NAME
from earwitness.data.dcase.submission import clips_to_predict
from earwitness.export.event_clips import INDEX_SUFFIX, is_clip
from earwitness.media.input_files import search
from earwitness.results.detection import file_text

_STEM, _FOLDERS, _SUFFIX, _NUMBER = range(4)
"""Parts of a name; each level adds one to those before it."""
_DIGITS: Final = 8
USUAL_SUFFIXES: Final = (".csv", ".json")
ALL_SUFFIXES: Final = (*(known.suffix for known in FORMATS.values()), RENDER_SUFFIX, INCREMENTAL_SUFFIX, INDEX_SUFFIX)
_MADE_HERE: Final = (RENDER_SUFFIX, ".player.mp4")
"""Media that earwitness writes itself; they are inputs only if named explicitly."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a batch.

    Attributes:
        jobs: one for each file, each with its own target.
        failures: inputs that match nothing, and files whose results would overwrite other files.
        clashes: file names that occur more than once, so that their results are in subfolders of the output.
        problems: broken links, and files and folders that cannot be read.
        left_out: files skipped because of their names.
    """

    jobs: tuple[Job, ...]
    failures: tuple[Failure, ...]
    clashes: tuple[str, ...]
    problems: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def plan(inputs: Sequence[str | Path], out: Path, suffixes: Iterable[str] = USUAL_SUFFIXES) -> Plan:
    """Find the files that `inputs` (files, folders, globs) name, and give each its own target below `out`.

    A target is unused, or is the same file's target of an earlier run; results of different files never overwrite each
    other, even if their names differ in case only. Files below `out` are results of an earlier run and are skipped,
    unless they are named explicitly, or are in an input that is `out` itself or below it.

    Args:
        suffixes: suffixes of the results to write.
    """
    files: dict[str, Path] = {}
    failures: list[Failure] = []
    problems, left_out = list[str](), list[str]()
    for given in inputs:
        try:
            found = search(given)
        except EarwitnessError as error:
            failures.append(Failure(Path(given), error))
            continue
        problems += found.problems
        left_out += found.left_out
        inside = _is_below(Path(given), out)
        for file in found.files:
            made_here = (file.name.endswith(_MADE_HERE) or is_clip(file)) if inside else _is_below(file, out)
            if found.outright or not made_here:
                files.setdefault(os.path.realpath(file), file)
    return _with_targets(list(files.values()), out, tuple(suffixes), failures, problems, left_out)


def plan_dcase(
    dataset: Path, out: Path, suffixes: Iterable[str] = (SUBMISSION.suffix,), splits: Sequence[str] = ()
) -> Plan:
    """Plan a submission: each clip of the evaluation set, or of `splits`, gets one file directly in `out`.

    Args:
        dataset: data set with stereo_eval (and video_eval), or a folder of WAV files.
        out: folder of the predictions.
        suffixes: suffixes of the files to write.
        splits: names of splits or their beginnings, such as "dev-test"; empty takes the evaluation clips.

    Raises:
        UsageError: the set or a split does not exist.
    """
    try:
        clips = clips_to_predict(dataset, splits)
    except LabelError as error:
        raise UsageError(f"--dcase: {error}") from error
    jobs = [Job(clip.sound, out / clip.name, clip.picture) for clip in clips if clip.sound is not None]
    claims = read_claims(out, ALL_SUFFIXES)
    checked = [(job, taken(job, out, claims, suffixes)) for job in jobs]
    failures = tuple(Failure(job.source, why) for job, why in checked if why is not None)
    return Plan(tuple(job for job, why in checked if why is None), failures, ())


def dcase_formats(more: Sequence[str], options: Options | None = None) -> tuple[Format, ...]:
    """Return the challenge's CSV format, and further formats.

    Raises:
        MissingExtraError: a format needs a package that is not installed.
        UsageError: a format is unknown, or is csv, which has the same file name.
    """
    formats = parse_formats(more, options)
    if any(chosen.suffix == SUBMISSION.suffix for chosen in formats):
        raise UsageError("--dcase writes the challenge's own .csv files; remove csv from --format")
    return (SUBMISSION, *formats)


def taken(job: Job, out: Path, claims: Claims, suffixes: Iterable[str]) -> EncodingError | None:
    """Return the error of a job that must not write its given target; None if it may."""
    name = job.target.relative_to(out)
    owner = claims.owner(name, job.source)
    if owner is not None:
        return EncodingError(f"{job.target}: contains the results of {owner}; name another folder with --out")
    return _foreign(claims, name, out, suffixes)


def _with_targets(
    files: list[Path], out: Path, suffixes: tuple[str, ...], failures: list[Failure], problems: list[str],
    left_out: list[str],
) -> Plan:  # fmt: skip
    claims = read_claims(out, ALL_SUFFIXES)
    named = {Path(os.path.abspath(file)): file for file in files}  # noqa: PTH100 - links keep their names
    names = result_names(list(named), claims, suffixes)
    jobs, clashes = [], set[str]()
    for path, name in names.items():
        file = named[path]
        if error := _foreign(claims, name, out, suffixes):
            failures.append(Failure(file, error))
            continue
        jobs.append(Job(file, out / name))
        if len(name.parts) > 1 or (path.suffix and name.name.startswith(path.name)):
            clashes.add(path.stem)
    return Plan(tuple(jobs), tuple(failures), tuple(sorted(clashes)), tuple(problems), tuple(left_out))


def _foreign(claims: Claims, name: Path, out: Path, suffixes: Iterable[str]) -> EncodingError | None:
    """Return an error if results of this name would overwrite a file that earwitness did not write."""
    found = claims.foreign_files(name, suffixes)
    if not found:
        return None
    return EncodingError(
        f"{found[0]}: exists and does not seem to be a result of earwitness; move it, or name another folder than "
        f"{out} with --out"
    )


def _is_below(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


class Taken(Protocol):
    """Existing results in the output folder."""

    def owner(self, name: Path, asking: Path) -> Path | None:
        """The source file, other than `asking`, that owns this name; None if there is none."""

    def name_of(self, source: Path) -> Path | None:
        """The result name of a source file; None if it has no results."""


def result_names(files: Sequence[Path], taken: Taken, suffixes: Iterable[str]) -> dict[Path, Path]:
    """Give each file a result name that no other file has, in this run or an earlier one.

    Args:
        files: absolute paths.
        taken: the names of earlier runs; a file keeps its name.
        suffixes: suffixes of the results, for which a name leaves room.

    Returns:
        Names without suffix, relative to the output folder, by file.
    """
    room = LONGEST_NAME - max((len(suffix) for suffix in suffixes), default=0)
    known = {file: name for file in files if (name := taken.name_of(file)) is not None}
    kept = {file: name for file, name in known.items() if len(os.fsencode(name.name)) <= room}
    level = dict.fromkeys((file for file in files if file not in kept), _STEM)
    rivals: set[Path] = set()
    for _ in range(_NUMBER + 1):
        top = _top({file for file, reached in level.items() if reached} | rivals)
        names = kept | {file: _fitted(_name(file, reached, top), file, room) for file, reached in level.items()}
        counts = Counter(map(key, names.values()))
        owners = {file: taken.owner(names[file], file) for file in level}
        clashing = [file for file in level if counts[key(names[file])] > 1 or owners[file] is not None]
        if not clashing:
            break
        keys = {key(names[file]) for file in clashing}
        rivals |= {owner for owner in owners.values() if owner is not None}
        rivals |= {file for file, name in kept.items() if key(name) in keys}
        for file in clashing:
            level[file] = min(level[file] + 1, _NUMBER)
    return {file: names[file] for file in files}


def fitted(name: str, longest: int, whole: str) -> str:
    """A file name of at most `longest` bytes; a longer one is cut and gets a hash of `whole`."""
    if len(os.fsencode(name)) <= longest:
        return name
    mark = f"~{_digest(whole)}"
    return os.fsencode(name)[: longest - len(mark)].decode(errors="ignore") + mark


def _fitted(name: Path, file: Path, room: int) -> Path:
    return name.with_name(fitted(name.name, room, file.name))


def _name(file: Path, level: int, top: Path | None) -> Path:
    if level == _STEM:
        return Path(file.stem)
    last = {_FOLDERS: file.stem, _SUFFIX: file.name, _NUMBER: f"{file.name}-{_digest(str(file))}"}[level]
    return _below(file, top).with_name(last)


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:_DIGITS]


def _top(files: Iterable[Path]) -> Path | None:
    """The deepest common folder of all files; None if they are on several drives."""
    try:
        return Path(commonpath({file.parent for file in files}))
    except ValueError:
        return None


def _below(file: Path, top: Path | None) -> Path:
    """Path of a file relative to its folder `top`; without one, the drive becomes a folder."""
    return Path(file.drive.strip(":\\/"), *file.parts[1:]) if top is None else file.relative_to(top)


_HEAD_BYTES: Final = 65_536
_SOURCE: Final = re.compile(r'"source": \{\s*"file": ("(?:[^"\\]|\\.)*")')
_SHA256: Final = re.compile(r'"sha256": "([0-9a-f]{64})"')


class Claims:
    """Result names and the source files that own them.

    Args:
        out: the output folder.
        owners: source file by result name, from the journal.
        suffixes: suffixes of all possible results; a name without any existing result is free.
        damaged: whether the journal is incomplete, so that any file may be a result of earwitness.
    """

    def __init__(self, out: Path, owners: Mapping[str, str], suffixes: Iterable[str], *, damaged: bool) -> None:
        self._out, self._suffixes, self._damaged = out, tuple(suffixes), damaged
        self._by_file = {source: Path(target) for target, source in owners.items()}
        self._by_name = {key(Path(target)): (Path(target), source) for target, source in owners.items()}

    def name_of(self, source: Path) -> Path | None:
        """The result name of a source file; None if it has no results."""
        name = self._by_file.get(os.path.realpath(source))
        return name if name is not None and self._results(name, self._suffixes) else None

    def owner(self, name: Path, asking: Path) -> Path | None:
        """The source file, other than `asking`, that owns this name; None if there is none."""
        if key(name) in self._by_name:
            known, source = self._by_name[key(name)]
            another = source != os.path.realpath(asking) and self._results(known, self._suffixes)
            return Path(source) if another else None
        source_file = _source_of(self._out / name.with_name(f"{name.name}.json"))
        if source_file is None or _is_same(asking, *source_file):
            return None
        return Path(os.path.abspath(source_file[0]))  # noqa: PTH100

    def foreign_files(self, name: Path, suffixes: Iterable[str]) -> list[Path]:
        """Files of this name that earwitness does not seem to have written."""
        if (
            self._damaged
            or key(name) in self._by_name
            or _source_of(self._out / name.with_name(f"{name.name}.json")) is not None
        ):
            return []
        return self._results(name, suffixes)

    def _results(self, name: Path, suffixes: Iterable[str]) -> list[Path]:
        paths = (self._out / name.with_name(name.name + suffix) for suffix in suffixes)
        return [path for path in paths if os.path.lexists(path)]


def _source_of(result: Path) -> tuple[str, str] | None:
    """The source file named in a JSON result, and its SHA-256 ("" if missing); None without such a result."""
    with suppress(OSError, ValueError):
        if result.is_file():
            with result.open("rb") as file:
                head = file.read(_HEAD_BYTES).decode(errors="ignore")
            if found := _SOURCE.search(head):
                digest = _SHA256.search(head, found.end())
                return json.loads(found[1]), digest[1] if digest else ""
    return None


def _is_same(source: Path, file: str, sha256: str) -> bool:
    """Whether `file`, named in a result, is `source`; a file that has moved is compared by its contents."""
    with suppress(OSError, ValueError):
        if os.path.lexists(file):
            return os.path.realpath(file) == os.path.realpath(source)
        if sha256 and Path(file).name == file_text(Path(source.name)):
            with source.open("rb") as opened:
                return hashlib.file_digest(opened, "sha256").hexdigest() == sha256
    return False


def read_claims(out: Path, suffixes: Iterable[str]) -> Claims:
    """Read the owners of the results in a folder from its journal; see `Claims`."""
    head, entries = read_journal(out / JOURNAL_NAME)
    damaged = os.path.lexists(out / JOURNAL_NAME) and not isinstance(head.get("names"), dict)
    return Claims(out, owners(entries), suffixes, damaged=damaged)
