from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from earwitness.data.dcase.check import check
from earwitness.data.dcase.check_summary import SHOWN, as_dict, print_report

MakeSet = Callable[..., Path]


def printed(root: Path) -> str:
    text = StringIO()
    print_report(check(root), Console(file=text, width=120))
    return text.getvalue()


def test_a_sound_set_has_no_problems_and_is_described(make_set: MakeSet) -> None:
    report = as_dict(check(make_set()))
    assert report["problems"] == []
    assert list(report["splits"]) == ["dev-test-tau", "dev-train-sony", "dev-train-tau"]
    sony = report["splits"]["dev-train-sony"]
    assert (sony["clips"], sony["rooms"], sony["recordings"], sony["pictures"]) == (2, [21], 2, 2)
    assert sony["hours"] == pytest.approx(10 / 3600)
    assert report["classes"]["male_speech"] == {"frames": 30, "onscreen": 30, "clips": 3}
    assert report["classes"]["clapping"] == {"frames": 30, "onscreen": 0, "clips": 3}
    assert report["classes"]["music"] == {"frames": 3, "onscreen": 0, "clips": 3}
    assert report["onscreen_share"] == pytest.approx(30 / 63)
    assert report["polyphony"] == {"0": 240, "1": 57, "2": 3, "3": 0, "4": 0, "5": 0, "6+": 0}


def test_the_terminal_shows_the_same_figures(make_set: MakeSet) -> None:
    text = printed(make_set())
    assert "no problems found" in text
    assert "dev-train-sony" in text
    assert f"on screen: {30 / 63:.1%} of all labelled events" in text
    assert "events at once: 0: 80.0%, 1: 19.0%, 2: 1.0%" in text


def test_many_problems_of_one_kind_are_counted(make_set: MakeSet) -> None:
    root = make_set()
    for number in range(SHOWN + 3):
        (root / "metadata_dev" / "dev-train-sony" / f"fold3_room9_mix{number:03d}_deg000_start0000.csv").write_text("x")
    text = printed(root)
    assert "mispaired: ... and 3 more; --json lists all" in text
    assert text.count("mispaired: ") == SHOWN + 1
