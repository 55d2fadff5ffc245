"""The tables of the leaderboard page, from published figures and entries; the page's text is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pydantic import Field

from earwitness.benchmark.leaderboard_entry import LeaderboardEntry, Score
from earwitness.core.errors import BenchmarkError, one_line
from earwitness.core.schema import StrictModel

PUBLISHED_MARKS: Final = "<!-- published: begin -->", "<!-- published: end -->"
ENTRIES_MARKS: Final = "<!-- entries: begin -->", "<!-- entries: end -->"
MISSING: Final = "–"


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
