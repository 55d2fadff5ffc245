"""What a batch is to do: which files its inputs stand for, and where the results of each go."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from earwitness.batch.claims import Claims
from earwitness.batch.formats import FORMATS
from earwitness.batch.jobs import INCREMENTAL_SUFFIX, RENDER_SUFFIX, Failure, Job
from earwitness.batch.journal import read_claims
from earwitness.batch.result_names import result_names
from earwitness.core.errors import EarwitnessError, EncodingError
from earwitness.media.input_files import search

USUAL_SUFFIXES: Final = (".csv", ".json")
ALL_SUFFIXES: Final = (*(known.suffix for known in FORMATS.values()), RENDER_SUFFIX, INCREMENTAL_SUFFIX)
_MADE_HERE: Final = (RENDER_SUFFIX, ".player.mp4")
"""Media that earwitness writes itself, which are no input where they are not named."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do.

    Attributes:
        jobs: one a file, each with its own target.
        failures: inputs that name nothing, and files whose results would take the place of something else.
        clashes: file names that occur more than once, whose results therefore lie in subfolders of the output.
        problems: links that lead nowhere, and what cannot be read.
        left_out: what was passed over because of its name.
    """

    jobs: tuple[Job, ...]
    failures: tuple[Failure, ...]
    clashes: tuple[str, ...]
    problems: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def plan(inputs: Sequence[str | Path], out: Path, suffixes: Iterable[str] = USUAL_SUFFIXES) -> Plan:
    """Find the files that `inputs` (files, folders, globs) name, and give each its own target below `out`.

    A target is free, or that of an earlier run for the same file: results of two files never take each other's place,
    not even where names differ by case only. Files below `out` are results of an earlier run and left out, unless they
    are named outright, or lie in an input that is `out` itself or below it.

    Args:
        suffixes: of the results that will be written.
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
            made_here = file.name.endswith(_MADE_HERE) if inside else _is_below(file, out)
            if found.outright or not made_here:
                files.setdefault(os.path.realpath(file), file)
    return _with_targets(list(files.values()), out, tuple(suffixes), failures, problems, left_out)


def taken(job: Job, out: Path, claims: Claims, suffixes: Iterable[str]) -> EncodingError | None:
    """Why a job whose target is given may not write it; None where it may."""
    name = job.target.relative_to(out)
    owner = claims.owner(name, job.source)
    if owner is not None:
        return EncodingError(f"{job.target}: holds the results of {owner}; name another folder with --out")
    return _strangers(claims, name, out, suffixes)


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
        if stranger := _strangers(claims, name, out, suffixes):
            failures.append(Failure(file, stranger))
            continue
        jobs.append(Job(file, out / name))
        if len(name.parts) > 1 or (path.suffix and name.name.startswith(path.name)):
            clashes.add(path.stem)
    return Plan(tuple(jobs), tuple(failures), tuple(sorted(clashes)), tuple(problems), tuple(left_out))


def _strangers(claims: Claims, name: Path, out: Path, suffixes: Iterable[str]) -> EncodingError | None:
    """Why results of this name would destroy what somebody else wrote; None where they would not."""
    found = claims.strangers(name, suffixes)
    if not found:
        return None
    return EncodingError(
        f"{found[0]}: is there already, and nothing says that it is a result of earwitness; move it, or name another "
        f"folder than {out} with --out"
    )


def _is_below(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
