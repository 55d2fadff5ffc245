"""The plan of a batch: the files that its inputs name, and the path of the results of each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from earwitness.batch.formats import FORMATS, SUBMISSION, Format, Options, parse_formats
from earwitness.batch.jobs import INCREMENTAL_SUFFIX, RENDER_SUFFIX, Failure, Job
from earwitness.batch.journal import read_claims
from earwitness.batch.result_names import Claims, result_names
from earwitness.core.errors import EarwitnessError, EncodingError, LabelError, UsageError
from earwitness.data.dcase.submission import clips_to_predict
from earwitness.export.event_clips import INDEX_SUFFIX, is_clip
from earwitness.media.input_files import search

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
