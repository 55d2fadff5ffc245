from __future__ import annotations

import json
import shutil
from pathlib import Path

from in_process import Command

LEADERBOARD = Path(__file__).parents[2] / "docs" / "leaderboard"
ENTRY = sorted((LEADERBOARD / "entries").glob("*.json"))[0]


def test_entries_are_checked_and_each_that_is_not_valid_is_named(earwitness: Command) -> None:
    shutil.copy(ENTRY, "good.json")
    good = earwitness("benchmark", "check", "good.json", "--sets", LEADERBOARD / "sets")
    assert (good.code, good.err) == (0, "")
    assert good.out.startswith("good.json: valid; ")
    values = json.loads(ENTRY.read_text(encoding="utf-8"))
    Path("forged.json").write_text(json.dumps(values | {"secret": {**values["secret"], "seed": "1"}}))
    mixed = earwitness("benchmark", "check", "forged.json", "good.json", "none.json")
    assert mixed.code == 1
    assert [line.split(":")[1].strip() for line in mixed.problems] == ["forged.json", "none.json"]
    assert mixed.out.startswith("good.json: valid; ")
    elsewhere = earwitness("benchmark", "check", "good.json", "--sets", ".")
    assert (elsewhere.code, "is not published" in elsewhere.problem) == (1, True)


def test_what_is_missing_is_said_before_any_work(earwitness: Command) -> None:
    assert "Missing option '--bank'" in earwitness("benchmark", "make", "--out", "set").problem
    both = earwitness("benchmark", "make", "--bank", "b", "--out", "set", "--clips", "2", "--reveal", ENTRY)
    assert (both.code, "give --clips for a new set, or --reveal FILE" in both.problem) == (2, True)
    none = earwitness("benchmark", "score", "set", "--predictions", "p", "--system", "x")
    assert (none.code, "no benchmark set" in none.problem) == (1, True)
    assert not Path("set").exists()
