"""The `dcase2025` protocol against the official scorer's own output."""

import json
from pathlib import Path

import pytest

from earwitness.data.dcase.labels import read_rows, read_table
from earwitness.metrics import Protocol, Scores, count, score_tables

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
SETS = ("single_class_mix", "same_class_overlap", "empty_and_trailing", "unfolded_azimuth")


def assert_official(mine: dict, official: dict) -> None:
    for average, quantities in official.items():
        for name, expected in quantities.items():
            if name == "per_class":
                for quantity, values in expected.items():
                    got = mine[average]["per_class"][quantity]
                    assert [value is None for value in got] == [value is None for value in values]
                    assert [v for v in got if v is not None] == pytest.approx(
                        [v for v in values if v is not None], rel=0, abs=1e-9
                    )
            else:
                assert mine[average][name] == pytest.approx(expected, rel=0, abs=1e-9)


@pytest.mark.parametrize("name", SETS)
def test_official_numbers_from_rows(name):
    files = sorted(path.name for path in (GOLDEN / name / "reference").glob("*.csv"))
    references, predictions = (
        [read_rows(GOLDEN / name / side / file) for file in files] for side in ("reference", "prediction")
    )
    scores = Scores.from_counts(count(files, references, predictions, Protocol.DCASE2025), Protocol.DCASE2025)
    assert_official(scores.as_dict(), json.loads((GOLDEN / name / "official.json").read_text()))


@pytest.mark.parametrize("name", SETS)
def test_official_numbers_from_tables_in_memory(name):
    """Tables hold float32 metres; the scores must not notice."""
    files = sorted(path.name for path in (GOLDEN / name / "reference").glob("*.csv"))
    references, predictions = (
        [read_table(GOLDEN / name / side / file) for file in files] for side in ("reference", "prediction")
    )
    scores = score_tables(references, predictions, "dcase2025")
    assert_official(scores.as_dict(), json.loads((GOLDEN / name / "official.json").read_text()))
