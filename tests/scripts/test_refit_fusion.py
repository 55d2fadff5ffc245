"""All steps of fitting and measuring the fusion, on a handful of clips of the test bank."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import SCRIPTS

BANK = Path(__file__).parents[1] / "data" / "bank"

pytest.importorskip("pyroomacoustics")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import refit_fusion

    yield refit_fusion
    for name in ("refit_fusion", "render_visual"):
        sys.modules.pop(name, None)


def test_classes_that_the_calibration_part_lacks_are_lent(script: Any) -> None:
    from render_visual import open_bank

    missing = script.lacking(BANK)
    assert missing
    assert not {sound.kind for sound in open_bank(BANK, "calibration", frozenset()).sounds} & set(missing)
    *_, lent = script.sets_to_fit(BANK)
    assert lent.options[-2:] == ("--lend", ",".join(missing))
    assert [one.part for one in script.sets_to_fit(BANK)] == ["calibration"] * 3


def test_all_steps_run_in_order(script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, list[str]]] = []

    def written(name: str, arguments: list[str], text: Path) -> None:
        calls.append((name, [*arguments, text.name]))

    monkeypatch.setattr(script, "in_shares", lambda name, arguments, workers: calls.append((name, arguments)))
    monkeypatch.setattr(script, "written", written)
    given = [
        "--bank",
        str(BANK),
        "--people",
        "people",
        "--work",
        str(tmp_path),
        "--out",
        "new.json",
        "--model",
        "m.onnx",
    ]
    monkeypatch.setattr(sys, "argv", ["refit_fusion.py", *given, "--scale", "0.02"])
    script.main()
    steps = [name for name, _ in calls]
    assert steps[:10] == ["render_visual.py", "measure_fusion.py"] * 5
    assert steps[10:] == ["fit_fusion.py", *["measure_fusion.py"] * 4, "explain_fusion.py"]
    rendered = [arguments for name, arguments in calls if name == "render_visual.py"]
    assert all(arguments[arguments.index("--preset") + 1] == "starss" for arguments in rendered)
    assert [arguments[arguments.index("--clips") + 1] for arguments in rendered] == ["10", "24", "16", "20", "8"]
    last = [arguments[-1] for name, arguments in calls[-6:]]
    assert last == ["fit.txt", "test-before.txt", "test-after.txt", "still-before.txt", "still-after.txt", "limits.txt"]
    assert all("m.onnx" in arguments for name, arguments in calls if name != "render_visual.py")


def test_a_step_that_fails_stops_all(script: Any, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"measure_fusion\.py .*: failed"):
        script.written("measure_fusion.py", ["--bogus"], tmp_path / "text.txt")
    with pytest.raises(SystemExit, match=r"measure_fusion\.py .*: failed"):
        script.in_shares("measure_fusion.py", ["--bogus"], 1)
    assert not (tmp_path / "text.txt").exists()
