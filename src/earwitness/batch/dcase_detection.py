"""The clips of a DCASE set as a batch: sound and pictures matched by name, one prediction for each clip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from earwitness.batch.formats import SUBMISSION, Format, Options, parse_formats
from earwitness.batch.jobs import Failure, Job
from earwitness.batch.journal import read_claims
from earwitness.batch.planning import ALL_SUFFIXES, Plan, taken
from earwitness.core.errors import LabelError, UsageError
from earwitness.data.dcase.submission import clips_to_predict


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
