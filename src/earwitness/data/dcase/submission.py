"""Hands in predictions: checks a folder of them against the challenge's rules and packs it."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from earwitness.core.errors import LabelError
from earwitness.core.files.atomic import atomic_file
from earwitness.data.dcase.labels import CLIP_FRAMES, HEADER, read_rows
from earwitness.data.dcase.layout import Clip, scan

_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""Zip files keep times; a fixed one makes the same predictions the same bytes."""
_EVAL: Final = "eval"
_ROW: Final = re.compile(rb"-?[0-9]+(,-?[0-9]+){5}")


@dataclass(frozen=True, slots=True)
class Submission:
    """A folder of predictions that was checked.

    Attributes:
        files: the CSV file of each clip, in order.
        problems: what breaks the rules, one sentence each; empty if it can be handed in.
    """

    files: tuple[Path, ...]
    problems: tuple[str, ...]


def clips_to_predict(evaluation: Path) -> tuple[Clip, ...]:
    """The clips that need a prediction: those of `eval` if the set has them, else all that have sound.

    Args:
        evaluation: data set with stereo_eval, or a folder of WAV files.

    Raises:
        LabelError: there is no such folder, or it holds no clips.
    """
    if not evaluation.is_dir():
        raise LabelError(f"{evaluation}: no such folder")
    sounds = [path for path in sorted(evaluation.glob("*.wav")) if not path.name.startswith(".")]
    if sounds:
        return tuple(Clip(evaluation.name, path.stem, path) for path in sounds)
    clips = [clip for clip in scan(evaluation).clips if clip.sound is not None]
    return tuple(clip for clip in clips if clip.split == _EVAL) or tuple(clips)


def check_submission(predictions: Path, evaluation: Path) -> Submission:
    """Check predictions against the clips that they are for.

    The rules: one CSV file for each clip and none for others; the header; frames 0..49; whole numbers; azimuth within
    -90..90; on screen 0 or 1.

    Args:
        predictions: folder of CSV files.
        evaluation: data set with stereo_eval, or a folder of WAV files.

    Raises:
        LabelError: one of the folders is not there or empty.
    """
    wanted = {clip.name for clip in clips_to_predict(evaluation)}
    if not predictions.is_dir():
        raise LabelError(f"{predictions}: no such folder; give the one with the predicted CSV files")
    files = {path.stem: path for path in sorted(predictions.glob("*.csv")) if not path.name.startswith(".")}
    if not files:
        raise LabelError(f"{predictions}: no .csv files here; make them with `earwitness detect --out`")
    problems = [f"{name}.csv is missing; a clip in which nothing sounds needs a file with the header" for name in
                sorted(wanted - files.keys())]  # fmt: skip
    problems += [f"{name}.csv is for no clip of {evaluation}" for name in sorted(files.keys() - wanted)]
    for name in sorted(files.keys() & wanted):
        problems += _problems(files[name])
    return Submission(tuple(files[name] for name in sorted(files)), tuple(problems))


def pack(submission: Submission, out: Path) -> None:
    """Write the zip file, whole or not at all; the same predictions give the same bytes.

    Raises:
        LabelError: the submission breaks the rules.
        EncodingError: the file cannot be written.
    """
    if submission.problems:
        raise LabelError(f"{out}: not written, since {len(submission.problems)} things break the rules")
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
        problems.append(f"{path}: has no bytes; it needs at least the header '{HEADER}'")
    azimuth, distance = rows.azimuth, rows.distance_cm
    if (azimuth % 1 != 0).any() or (distance % 1 != 0).any():
        problems.append(f"{path}: azimuth and distance must be whole degrees and centimetres")
    if (np.abs(azimuth) > 90).any():
        problems.append(f"{path}: azimuth {azimuth[np.abs(azimuth) > 90][0]:g} must lie in -90..90; fold it")
    if not problems and (odd := _odd_line(data)):
        problems.append(
            f"{path}, line {odd}: is not as in the challenge's own files: the header '{HEADER}', then whole numbers "
            "with commas and nothing else"
        )
    return problems


def _odd_line(data: bytes) -> int | None:
    """Number of the first line that is written otherwise than in the challenge's own files, which anyone can read."""
    header, *rows = data.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    if header != HEADER.encode():
        return 1
    return next((number for number, row in enumerate(rows, start=2) if not _ROW.fullmatch(row)), None)
