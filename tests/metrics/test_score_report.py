import io

import numpy as np
import pytest
from rich.console import Console

from earwitness.core.errors import LabelError
from earwitness.core.vocabulary import CLASSES
from earwitness.metrics import Protocol, Scores, bootstrap, count, jackknife
from earwitness.metrics.counts import COLUMNS
from earwitness.metrics.score_report import BREAKDOWNS, as_json, breakdown, print_comparison, print_scores


@pytest.fixture(scope="module")
def clips(random_clips):
    return random_clips(3, clips=8, rows=80, classes=11)


def scored(clips, protocol=Protocol.STRICT):
    return Scores.from_counts(count(*clips, protocol), protocol, ("a note of mine",))


def printed(width, function, *arguments):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    function(*arguments[:-1], console, *arguments[-1])
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 130])
@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("spread", [False, True])
def test_tables_fit_and_lose_no_digit(clips, width, protocol, spread):
    scores = scored(clips, protocol)
    intervals = bootstrap(scores.counts, protocol, resamples=30) if spread else None
    text = printed(width, print_scores, scores, [intervals, BREAKDOWNS])
    assert "…" not in text.replace(" … ", "")
    assert max(map(len, text.splitlines())) <= width
    assert f"protocol {protocol.value} · 8 clips" in text
    for sound_class in CLASSES:
        assert sound_class.name in text
    assert f"{scores.macro.f_score * 100:.1f} %" in text
    assert f"{scores.macro.doa_error_deg:.1f}°" in text
    assert f"{scores.macro.onscreen_accuracy_always_off * 100:.1f} %" in text
    assert "a note of mine" in text


def test_strict_says_what_never_detected_classes_cost(clips):
    names, references, _ = clips
    predictions = [type(rows)(rows.values[rows.values[:, 1] != 4]) for rows in references]
    strict = printed(200, print_scores, scored((names, references, predictions)), [None, ()])
    assert "1 class never detected (laughter): each counts as 180° and RDE 1" in strict
    assert "without them DOAE 0.0°, RDE 0.000" in strict
    official = printed(
        200, print_scores, scored((names, references, predictions), Protocol.DCASE2025), [None, ()]
    )  # fmt: skip
    assert "1 class never detected (laughter): left out of DOAE" in official


def test_comparison(clips):
    names, references, _ = clips
    first, second = scored(clips), scored((names, references, references))
    difference = jackknife(second.counts, Protocol.STRICT, minus=first.counts)
    text = printed(80, print_comparison, first, second, ("old", "new"), difference, [])
    assert "A old   B new" in text
    assert max(map(len, text.splitlines())) <= 80
    line = next(line for line in text.splitlines() if line.startswith("F20/1 "))
    assert f"{first.macro.f_score * 100:.1f} %" in line
    assert "100.0 %" in line
    assert line.rstrip().endswith("B better")
    assert "A: a note of mine" in text
    back = jackknife(first.counts, Protocol.STRICT, minus=second.counts)
    assert "B worse" in printed(80, print_comparison, second, first, ("new", "old"), back, [])


@pytest.mark.parametrize("dimension", BREAKDOWNS)
def test_breakdown_adds_up(clips, dimension):
    counts = count(*clips)
    rows = breakdown(counts, dimension, Protocol.STRICT)
    table = counts.by()
    assert sum(row["references"] for row in rows.values()) == sum(table[COLUMNS.index(n)] for n in ("pairs", "missed"))
    assert sum(row["false_alarms"] for row in rows.values()) == table[COLUMNS.index("false_alarms")]
    assert all(np.isnan(row["f_score"]) or row["f_score_onscreen"] <= row["f_score"] for row in rows.values())


def test_breakdown_of_a_room_is_the_score_of_its_files(clips):
    names, references, predictions = clips
    inside = [i for i, name in enumerate(names) if "room2" in name]
    alone = scored([[column[i] for i in inside] for column in (names, references, predictions)])
    row = breakdown(count(*clips), "room", Protocol.STRICT)["room2"]
    assert row["f_score"] == pytest.approx(alone.micro.f_score)
    assert row["f_score_onscreen"] == pytest.approx(alone.micro_onscreen.f_score)
    assert row["doa_error_deg"] == pytest.approx(alone.micro.doa_error_deg)


def test_json(clips):
    scores = scored(clips)
    result = as_json(scores, jackknife(scores.counts, Protocol.STRICT), ["overlap"])
    assert result["macro"]["f_score"] == scores.macro.f_score
    assert len(result["intervals"]["macro_onscreen"]["f_score"]) == 2
    assert result["by"]["overlap"]["nothing"]["doa_error_deg"] is None
    assert "intervals" not in as_json(scores, None)


def test_files_whose_names_tell_no_room(clips):
    _, references, predictions = clips
    counts = count([f"{i}" for i in range(8)], references, predictions)
    with pytest.raises(LabelError, match="does not contain its room"):
        breakdown(counts, "room", Protocol.STRICT)
