"""Challenge submissions: checks a folder of predictions against the rules, and packs it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from earwitness.core.errors import LabelError
from earwitness.core.files.atomic import atomic_file
from earwitness.data.dcase.labels import CLIP_FRAMES, HEADER, read_rows
from earwitness.data.dcase.layout import Clip, is_other_table, scan

_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""Fixed time stamp of the ZIP entries, so that equal predictions give equal files."""
_EVAL: Final = "eval"
_ROW: Final = re.compile(rb"-?[0-9]+(,-?[0-9]+){5}")


@dataclass(frozen=True, slots=True)
class Submission:
    """A checked folder of predictions.

    Attributes:
        files: CSV file of each clip, sorted.
        problems: violations of the rules, one sentence each; empty if it can be submitted.
    """

    files: tuple[Path, ...]
    problems: tuple[str, ...]


def clips_to_predict(evaluation: Path, splits: Sequence[str] = ()) -> tuple[Clip, ...]:
    """The clips that need a prediction: those of the split `eval` if there are any, else all clips with sound.

    Args:
        evaluation: data set with stereo_eval, or a folder of WAV files.
        splits: names of splits, or their beginnings such as "dev-test", in place of that choice.

    Raises:
        LabelError: the folder or a split does not exist or has no clips.
    """
    if not evaluation.is_dir():
        raise LabelError(f"{evaluation}: no such folder")
    sounds = [path for path in sorted(evaluation.glob("*.wav")) if not path.name.startswith(".")]
    if sounds and not splits:
        return tuple(Clip(evaluation.name, path.stem, path) for path in sounds)
    clips = [clip for clip in scan(evaluation).clips if clip.sound is not None]
    for split in splits:
        if not any(clip.split.startswith(split) for clip in clips):
            there = ", ".join(dict.fromkeys(clip.split for clip in clips)) or "no split with sound"
            raise LabelError(f"{evaluation}: has no split '{split}'; it has {there}")
    if splits:
        return tuple(clip for clip in clips if clip.split.startswith(tuple(splits)))
    return tuple(clip for clip in clips if clip.split == _EVAL) or tuple(clips)


def check_submission(predictions: Path, evaluation: Path) -> Submission:
    """Check predictions against the clips of a data set.

    The rules: exactly one CSV file for each clip; the header; frames 0..49; whole numbers; azimuth within -90..90; on
    screen 0 or 1.

    Args:
        predictions: folder of CSV files.
        evaluation: data set with stereo_eval, or a folder of WAV files.

    Raises:
        LabelError: one of the folders is missing or empty.
    """
    wanted = {clip.name for clip in clips_to_predict(evaluation)}
    if not predictions.is_dir():
        raise LabelError(f"{predictions}: no such folder; name the folder with the predicted CSV files")
    found = [path for path in sorted(predictions.glob("*.csv")) if not path.name.startswith(".")]
    files = {path.stem: path for path in found if not is_other_table(path)}
    if not files:
        raise LabelError(f"{predictions}: no .csv files here; create them with `earwitness detect --out`")
    problems = [f"{name}.csv is missing; a clip without events needs a file with the header" for name in
                sorted(wanted - files.keys())]  # fmt: skip
    problems += [f"{name}.csv belongs to no clip of {evaluation}" for name in sorted(files.keys() - wanted)]
    for name in sorted(files.keys() & wanted):
        problems += _problems(files[name])
    return Submission(tuple(files[name] for name in sorted(files)), tuple(problems))


def pack(submission: Submission, out: Path) -> None:
    """Write the ZIP file atomically; equal predictions give equal bytes.

    Raises:
        LabelError: the submission violates the rules.
        EncodingError: the file cannot be written.
    """
    if submission.problems:
        raise LabelError(f"{out}: not written, since {len(submission.problems)} problems break the rules")
    with atomic_file(out) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in submission.files:
            packed.writestr(zipfile.ZipInfo(path.name, _ZIP_DATE), path.read_bytes(), zipfile.ZIP_DEFLATED)


def _problems(path: Path) -> list[str]:
    try:
        rows = read_rows(path, num_frames=CLIP_FRAMES, unique=True)
    except LabelError as error:
        return [str(error)]
    problems = []
    data = path.read_bytes()
    if not data:
        problems.append(f"{path}: is empty; it needs at least the header '{HEADER}'")
    azimuth, distance = rows.azimuth, rows.distance_cm
    if (azimuth % 1 != 0).any() or (distance % 1 != 0).any():
        problems.append(f"{path}: azimuth and distance must be whole degrees and centimetres")
    if (np.abs(azimuth) > 90).any():
        problems.append(f"{path}: azimuth {azimuth[np.abs(azimuth) > 90][0]:g} must lie in -90..90; fold it")
    if not problems and (odd := _odd_line(data)):
        problems.append(
            f"{path}, line {odd}: differs from the challenge's format: the header '{HEADER}', then whole numbers "
            "separated by commas"
        )
    return problems


def _odd_line(data: bytes) -> int | None:
    """Number of the first line that is not in the exact format of the challenge's files; None if there is none."""
    header, *rows = data.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    if header != HEADER.encode():
        return 1
    return next((number for number, row in enumerate(rows, start=2) if not _ROW.fullmatch(row)), None)
