"""Scoring of predictions on a benchmark set: the seed is revealed and checked, and an entry is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from earwitness.benchmark.benchmark_set import (
    LABELS,
    REVEALED,
    SECRET,
    Revealed,
    Secret,
    SetDescription,
    check_set,
    files_sha256,
    read_description,
    read_model,
    write_model,
)
from earwitness.benchmark.leaderboard import EntryScores, LeaderboardEntry, Score, ScoredSystem
from earwitness.core.classes.class_files import FILE_NAMES
from earwitness.core.errors import BenchmarkError
from earwitness.core.events import FRAME_RATE
from earwitness.core.version import __version__
from earwitness.metrics.evaluation import LabelFolder, read_folder, score_folders
from earwitness.metrics.intervals import Interval, Intervals, bootstrap, jackknife
from earwitness.metrics.protocols import Protocol
from earwitness.metrics.scores import Scores

Unit = Literal["file", "recording", "room"]


@dataclass(frozen=True, slots=True)
class ScoringOptions:
    """How a set is scored.

    Attributes:
        unit: unit of the intervals; None: rooms if there are enough, else files.
        resamples: samples of the bootstrap; 0: jackknife.
    """

    unit: Unit | None = None
    resamples: int = 0


@dataclass(frozen=True, slots=True)
class ScoredPredictions:
    """The result for one system.

    Attributes:
        entry: its entry.
        scores: all scores, for a report.
        intervals: all intervals.
    """

    entry: LeaderboardEntry
    scores: Scores
    intervals: Intervals


FEWEST_ROOMS = 8
"""With fewer rooms, intervals over rooms say little, and those over files are used."""


def score_set(
    folder: Path, systems: Sequence[tuple[ScoredSystem, Path]], options: ScoringOptions = ScoringOptions()
) -> list[ScoredPredictions]:
    """Score the predictions of systems on a set; the first scoring of a set publishes its seed.

    Args:
        folder: the set, with its secret part.
        systems: each system, and the folder of its prediction files.
        options: how.

    Raises:
        BenchmarkError: the set is incomplete, or was changed since its commitment.
        LabelError: predictions are missing or violate the format.
    """
    description = read_description(folder)
    if not (folder / SECRET).is_file():
        raise BenchmarkError(
            f"{folder}: the secret part is missing; only its maker can score a set before it is revealed"
        )
    secret = read_model(Secret, folder / SECRET, "the secret of a benchmark set")
    check_set(folder, description, secret)
    frames = round(description.settings.seconds * FRAME_RATE)
    labels = read_folder(folder / LABELS, Protocol.STRICT, frames)
    if len(labels.clips) != description.clips:
        raise BenchmarkError(f"{folder}: has labels of {len(labels.clips)} of {description.clips} clips")
    answers = [_answer(predictions, labels, frames) for _, predictions in systems]
    unit = options.unit or _unit(labels)
    blind = not (folder / REVEALED).is_file()
    results = []
    for (system, predictions), answer in zip(systems, answers, strict=True):
        scores = score_folders(labels, answer, Protocol.STRICT)
        facts = _Facts(description, secret, system, _digest(predictions), blind)
        intervals = _intervals(scores, unit, options.resamples)
        results.append(ScoredPredictions(_entry(facts, scores, intervals, options), scores, intervals))
    if blind:  # only now that everything has worked
        write_model(Revealed(at=datetime.now(UTC), secret=secret), folder / REVEALED)
    return results


def _answer(predictions: Path, labels: LabelFolder, frames: int) -> LabelFolder:
    """Predictions; where no list of classes lies beside them, their indices are those of the set."""
    stated = any((predictions / name).is_file() for name in FILE_NAMES)
    return read_folder(predictions, Protocol.STRICT, frames, classes=None if stated else labels.vocabulary)


def _unit(labels: LabelFolder) -> Unit:
    from earwitness.data.dcase.layout import ClipName

    names = [ClipName.parse(name) for name in labels.clips]
    rooms = {None if name is None else name.room for name in names}
    return "room" if None not in rooms and len(rooms) >= FEWEST_ROOMS else "file"


@dataclass(frozen=True, slots=True)
class _Facts:
    """What an entry holds besides scores."""

    description: SetDescription
    secret: Secret
    system: ScoredSystem
    predictions_sha256: str
    blind: bool


def _digest(predictions: Path) -> str:
    names = {path.relative_to(predictions).as_posix() for path in predictions.rglob("*.csv")}
    if not names:
        raise BenchmarkError(f"{predictions}: no .csv files; give the folder that holds one DCASE CSV file per clip")
    return files_sha256(predictions, names)


def _intervals(scores: Scores, unit: Unit, resamples: int) -> Intervals:
    if resamples:
        return bootstrap(scores.counts, Protocol.STRICT, unit=unit, resamples=resamples)
    return jackknife(scores.counts, Protocol.STRICT, unit=unit)


def _entry(facts: _Facts, scores: Scores, intervals: Intervals, options: ScoringOptions) -> LeaderboardEntry:
    per_class = scores.macro.as_dict()["per_class"]["f_score"]
    return LeaderboardEntry.model_validate(
        {
            "system": facts.system,
            "benchmark": facts.description,
            "secret": facts.secret,
            "scored": datetime.now(UTC).date(),
            "version": __version__,
            "blind": facts.blind,
            "interval": "bootstrap" if options.resamples else "jackknife",
            "unit": intervals.unit,
            "units": intervals.units,
            "predictions_sha256": facts.predictions_sha256,
            "scores": _entry_scores(scores, intervals),
            "class_f_scores": dict(zip(facts.description.classes, per_class, strict=True)),
        }
    )


def _entry_scores(scores: Scores, intervals: Intervals) -> EntryScores:
    wanted = {
        "f_score": ("macro", "f_score"), "f_score_onscreen": ("macro_onscreen", "f_score"),
        "micro_f_score": ("micro", "f_score"), "doa_error_deg": ("macro", "doa_error_deg"),
        "distance_error_cm": ("macro", "distance_error"),
        "relative_distance_error": ("macro", "relative_distance_error"),
        "onscreen_accuracy": ("macro", "onscreen_accuracy"), "seld_error": ("macro", "seld_error"),
    }  # fmt: skip
    plain = scores.as_dict()
    return EntryScores(
        **{name: _score(plain[average][key], intervals.of(average, key)) for name, (average, key) in wanted.items()}
    )


def _score(value: float | None, interval: Interval) -> Score:
    if value is None or interval.low != interval.low or interval.high != interval.high:  # NaN
        return Score(value=value)
    return Score(value=value, low=min(interval.low, value), high=max(interval.high, value))
