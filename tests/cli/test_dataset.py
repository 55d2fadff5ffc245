from __future__ import annotations

import json
from pathlib import Path

from ablation_sets import write_set
from in_process import Command


def test_a_set_is_checked_and_the_exit_code_says_whether_it_is_sound(earwitness: Command, tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", 2, 100)
    good = earwitness("dataset", "check", root)
    assert (good.code, "no problems found" in good.out) == (0, True)
    label = sorted(root.rglob("*.csv"))[0]
    label.write_text(label.read_text().replace(",0\n", ",maybe\n"))
    bad = earwitness("dataset", "check", root)
    assert (bad.code, label.name in bad.out) == (1, True)
    listed = earwitness("dataset", "check", root, "--json")
    assert listed.code == 1
    assert [problem["kind"] for problem in json.loads(listed.out)["problems"]] == ["malformed"]


def test_a_set_that_is_not_there_is_named(earwitness: Command, tmp_path: Path) -> None:
    for arguments in (
        ("check", "none"),
        ("submission", "none", "--eval", "none", "--out", "a.zip"),
        ("stereo", "--starss", "none", "--out", "out", "--clips", "1", "--seed", "1"),
        ("from-corrections", "none", "--out", "out"),
    ):
        done = earwitness("dataset", *arguments)
        assert done.code in (1, 2)
        assert "none" in done.problem
    assert list(tmp_path.iterdir()) == []
