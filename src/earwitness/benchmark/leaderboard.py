"""The leaderboard: entries with the scores of a system on a set and what is needed to check them, and its page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from earwitness.benchmark.benchmark_set import HEX, Secret, SetDescription, read_model
from earwitness.core.errors import BenchmarkError, one_line
from earwitness.core.schema import StrictModel

CLOSE: Final = 1e-6
_Printable = Annotated[str, Field(max_length=300)]
_Finite = Annotated[float, Field(ge=0, le=1e6)]
PUBLISHED_MARKS: Final = "<!-- published: begin -->", "<!-- published: end -->"
ENTRIES_MARKS: Final = "<!-- entries: begin -->", "<!-- entries: end -->"
MISSING: Final = "–"


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


class FigureSource(StrictModel):
    """Where figures were published."""

    text: str = Field(min_length=1, max_length=300)
    url: str = Field("", max_length=300, pattern=r"^(https?://[^\s<>\"'()\[\]|]+)?$")


class PublishedSystem(StrictModel):
    """A system of the challenge, with the figures that its source gives; None: not given.

    Attributes:
        system: its name.
        track: A: sound; B: sound and pictures.
        split: on which split of DCASE2025 Task 3 the figures are.
        f_score, f_score_onscreen, doa_error_deg, relative_distance_error, onscreen_accuracy: F in per cent.
        rank: rank in the challenge, on its hidden evaluation set.
        source: key of the source of the figures.
        note: what a reader must know.
    """

    system: str = Field(min_length=1, max_length=200)
    track: str = Field(pattern=r"^(A|B)$")
    split: str = Field("dev-test", pattern=r"^(dev-test|eval)$")
    f_score: float | None = Field(None, ge=0, le=100)
    f_score_onscreen: float | None = Field(None, ge=0, le=100)
    doa_error_deg: float | None = Field(None, ge=0, le=180)
    relative_distance_error: float | None = Field(None, ge=0, le=10)
    onscreen_accuracy: float | None = Field(None, ge=0, le=1)
    rank: int | None = Field(None, ge=1)
    source: str
    note: str = Field("", max_length=300)


class PublishedFigures(StrictModel):
    """All published figures and their sources."""

    sources: dict[str, FigureSource]
    systems: tuple[PublishedSystem, ...]


def with_tables(page: str, published: PublishedFigures, entries: Sequence[LeaderboardEntry]) -> str:
    """The page with its tables written anew.

    Raises:
        BenchmarkError: the page lacks the marks between which they stand, or a system names no source.
    """
    page = _replaced(page, PUBLISHED_MARKS, _published_table(published))
    return _replaced(page, ENTRIES_MARKS, _entry_tables(entries))


def _replaced(page: str, marks: tuple[str, str], lines: Iterable[str]) -> str:
    begin, end = marks
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise BenchmarkError(f"the page must have the lines '{begin}' and '{end}' once, in this order")
    before, rest = page.split(begin)
    return f"{before}{begin}\n" + "".join(f"{line}\n" for line in lines) + end + rest.split(end)[1]


def _published_table(published: PublishedFigures) -> Iterator[str]:
    numbers = {key: number for number, key in enumerate(published.sources, start=1)}
    yield "| system | track | F20/1 | F20/1/on-off | DOAE | RDE | on/off accuracy | rank | source |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for one in sorted(published.systems, key=lambda one: (one.track, -(one.f_score or 0))):
        if one.source not in numbers:
            raise BenchmarkError(f"'{one.system}' names the source '{one.source}', which is not listed")
        notes = [*(["on the evaluation set"] if one.split == "eval" else []), *([_cell(one.note)] if one.note else [])]
        note = f" ({'; '.join(notes)})" if notes else ""
        cells = [
            _cell(one.system) + note, one.track, _number(one.f_score, 1), _number(one.f_score_onscreen, 1),
            _number(one.doa_error_deg, 1), _number(one.relative_distance_error, 3), _number(one.onscreen_accuracy, 2),
            MISSING if one.rank is None else str(one.rank), f"[{numbers[one.source]}](#sources)",
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "### Sources"
    for key, number in numbers.items():
        source = published.sources[key]
        yield f"{number}. {_cell(source.text)}" + (f" <{source.url}>" if source.url else "")


def _entry_tables(entries: Sequence[LeaderboardEntry]) -> Iterator[str]:
    if not entries:
        yield "No entries yet."
    for name in sorted({entry.benchmark.name for entry in entries}):
        rows = [entry for entry in entries if entry.benchmark.name == name]
        yield from _set_table(rows)


def _set_table(rows: Sequence[LeaderboardEntry]) -> Iterator[str]:
    about, settings = rows[0].benchmark, rows[0].benchmark.settings
    pictures = "sound and pictures" if settings.video else "sound only"
    yield f"### {about.name}: {about.clips:,} clips of {settings.seconds:g} s"
    yield ""
    bank = f"the bank '{_cell(about.bank)}'" + (f", split {_cell(settings.split)}" if settings.split else "")
    yield (
        f"Made {about.made} with earwitness {about.version} from {about.bank_sounds:,} sounds of {bank}, "
        f"{settings.rooms} rooms, {pictures}. "
        f"Commitment `{about.commitment}`, seed {rows[0].secret.seed}."
    )
    yield ""
    yield "| system | F20/1 | F20/1/on-off | DOAE | RDE | on/off accuracy | intervals | blind | scored |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for entry in sorted(rows, key=lambda entry: -(entry.scores.f_score.value or 0)):
        system, scores = entry.system, entry.scores
        name = f"[{_cell(system.name)}]({system.url})" if system.url else _cell(system.name)
        note = ". ".join(_cell(text) for text in (system.authors, system.note) if text)
        cells = [
            name + (f"<br>{note}" if note else ""), _interval(scores.f_score, 3), _interval(scores.f_score_onscreen, 3),
            _interval(scores.doa_error_deg, 1), _interval(scores.relative_distance_error, 3),
            _interval(scores.onscreen_accuracy, 2), f"{entry.interval}, {entry.units} {entry.unit}s",
            "yes" if entry.blind else "no: after the seed was known", str(entry.scored),
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"
    yield ""


def _interval(score: Score, digits: int) -> str:
    if score.value is None:
        return MISSING
    if score.low is None or score.high is None:
        return f"{score.value:.{digits}f}"
    return f"{score.value:.{digits}f} ({score.low:.{digits}f} .. {score.high:.{digits}f})"


def _number(value: float | None, digits: int) -> str:
    """A figure; the third decimal only where its source gives one."""
    text = MISSING if value is None else f"{value:.{digits}f}"
    return text[:-1] if digits > 2 and text.endswith("0") else text


def _cell(text: str) -> str:
    """Text for a cell of a table: on one line, without meaning in Markdown or HTML."""
    escaped = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for character in "\\|[]*_`":
        escaped = escaped.replace(character, f"\\{character}")
    return escaped
