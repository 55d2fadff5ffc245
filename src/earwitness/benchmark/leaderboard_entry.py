"""An entry of the leaderboard: the scores of one system on one set, with everything that is needed to check them."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from earwitness.benchmark.benchmark_set import SetDescription
from earwitness.benchmark.commitment import HEX, Secret, read_model
from earwitness.core.errors import BenchmarkError
from earwitness.core.schema import StrictModel

CLOSE: Final = 1e-6
_Printable = Annotated[str, Field(max_length=300)]
_Finite = Annotated[float, Field(ge=0, le=1e6)]


class Score(StrictModel):
    """A value and its 95 % interval; None where it cannot be estimated."""

    value: _Finite | None
    low: float | None = Field(None, ge=-1e6, le=1e6)
    high: float | None = Field(None, ge=-1e6, le=1e6)

    @model_validator(mode="after")
    def _ordered(self) -> Score:
        if (self.low is None) != (self.high is None):
            raise ValueError("give both ends of the interval, or none")
        if self.value is None or self.low is None or self.high is None:
            return self
        if not self.low - CLOSE <= self.value <= self.high + CLOSE:
            raise ValueError(f"the value {self.value:g} is not within {self.low:g}..{self.high:g}")
        return self


class ScoredSystem(StrictModel):
    """The system that was scored.

    Attributes:
        name: its name.
        authors: who made it.
        url: paper, code or model.
        note: one sentence: what it is, what it was trained on.
        model_sha256: SHA-256 of the model, if earwitness ran it.
    """

    name: str = Field(min_length=1, max_length=100)
    authors: _Printable = ""
    url: str = Field("", max_length=300, pattern=r"^(https?://[^\s<>\"'()\[\]|]+)?$")
    note: _Printable = ""
    model_sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")

    @model_validator(mode="after")
    def _on_one_line(self) -> ScoredSystem:
        for name in ("name", "authors", "note"):
            if not getattr(self, name).isprintable():
                raise ValueError(f"{name} must be printable text on one line")
        return self


class EntryScores(StrictModel):
    """Scores under the strict protocol, with intervals.

    Attributes:
        f_score: macro F20/1.
        f_score_onscreen: macro F20/1 with on/off screen.
        micro_f_score: micro F20/1.
        doa_error_deg, distance_error_cm, relative_distance_error, onscreen_accuracy, seld_error: macro.
    """

    f_score: Score
    f_score_onscreen: Score
    micro_f_score: Score
    doa_error_deg: Score
    distance_error_cm: Score
    relative_distance_error: Score
    onscreen_accuracy: Score
    seld_error: Score

    @model_validator(mode="after")
    def _possible(self) -> EntryScores:
        for name in ("f_score", "f_score_onscreen", "micro_f_score", "onscreen_accuracy"):
            value = getattr(self, name).value
            if value is not None and value > 1 + CLOSE:
                raise ValueError(f"{name} is {value:g}; it must lie in 0..1")
        if (self.doa_error_deg.value or 0) > 180:
            raise ValueError(f"doa_error_deg is {self.doa_error_deg.value:g}; it must lie in 0..180")
        if (self.f_score_onscreen.value or 0) > (self.f_score.value or 0) + CLOSE:
            raise ValueError("f_score_onscreen is higher than f_score, which asks for less")
        parts = self.f_score.value, self.doa_error_deg.value, self.relative_distance_error.value
        if all(part is not None for part in parts) and self.seld_error.value is not None:
            f_score, doa, distance = (float(part or 0) for part in parts)
            expected = (1 - f_score + doa / 180 + distance) / 3
            if abs(expected - self.seld_error.value) > CLOSE:
                raise ValueError(f"seld_error is {self.seld_error.value:g}, but the other scores give {expected:g}")
        return self


class LeaderboardEntry(StrictModel):
    """One row of the leaderboard.

    Attributes:
        format: version of this file.
        system: what was scored.
        benchmark: the set.
        secret: its seed and nonce, published by the first scoring.
        scored: day of the scoring.
        version: version of earwitness that scored.
        blind: whether the seed was still hidden.
        interval, unit, units: how the intervals were made, and the number of units that were left out in turn.
        predictions_sha256: digest of all prediction files.
        scores: the scores.
        class_f_scores: F20/1 of each class, by slug; None for a class that occurs in no clip.
    """

    format: Literal[1] = 1
    system: ScoredSystem
    benchmark: SetDescription
    secret: Secret
    scored: date
    version: str = Field(max_length=100)
    blind: bool
    interval: Literal["jackknife", "bootstrap"] = "jackknife"
    unit: Literal["file", "recording", "room"]
    units: int = Field(ge=2, le=1_000_000)
    predictions_sha256: str = Field(pattern=HEX)
    scores: EntryScores
    class_f_scores: dict[str, Annotated[float, Field(ge=0, le=1)] | None]

    @model_validator(mode="after")
    def _fits_together(self) -> LeaderboardEntry:
        if tuple(self.class_f_scores) != self.benchmark.classes:
            raise ValueError("class_f_scores must list the classes of the set, in order")
        if self.units > self.benchmark.clips:
            raise ValueError(f"{self.units} units of {self.benchmark.clips} clips")
        if self.scored < self.benchmark.made:
            raise ValueError("scored before the set was made")
        known = [value for value in self.class_f_scores.values() if value is not None]
        macro = math.fsum(known) / len(known) if known else None
        given = self.scores.f_score.value
        if (macro is None) != (given is None) or abs((macro or 0) - (given or 0)) > CLOSE:
            raise ValueError(f"f_score is {given}, but the mean of class_f_scores is {macro}")
        return self


def read_entry(path: Path) -> LeaderboardEntry:
    """Read and check an entry, including its commitment.

    Raises:
        BenchmarkError: missing, invalid, or inconsistent (the message says what).
    """
    entry = read_model(LeaderboardEntry, path, "an entry of the leaderboard")
    entry.benchmark.check(entry.secret, str(path))
    return entry


def check_published(entry: LeaderboardEntry, sets: Path, where: str) -> None:
    """Check that the description of the set was published as the entry holds it.

    Args:
        entry: the entry.
        sets: folder of the published descriptions, `NAME.json`.
        where: begins messages.

    Raises:
        BenchmarkError: it was not, or it is another one.
    """
    path = sets / f"{entry.benchmark.name}.json"
    if not path.is_file():
        raise BenchmarkError(
            f"{where}: the set '{entry.benchmark.name}' is not published; add its benchmark.json as {path}"
        )
    if read_model(SetDescription, path, "the description of a benchmark set") != entry.benchmark:
        raise BenchmarkError(f"{where}: its set is not the one published in {path}")
