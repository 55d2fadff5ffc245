"""The script that scores a model on a synthetic set, against what `detect` and `evaluate` say of the same."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from earwitness.detect.model.card import card_path
from earwitness.detect.model.interval_model import TERMS, IntervalModel
from earwitness.detect.model.model_files import find_model

pytest.importorskip("pyroomacoustics", reason="rooms are simulated with pyroomacoustics (extra 'train')")

ROOT = Path(__file__).parents[2]
BANK = ROOT / "tests" / "data" / "bank"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_model", ROOT / "scripts" / "score_model.py")
    sys.path.insert(0, str(ROOT / "scripts"))  # as for a script: it imports its neighbours
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["score_model"] = module
    spec.loader.exec_module(module)
    return module


def earwitness(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "earwitness.cli.main", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    earwitness("synthesize", "--bank", BANK, "--clips", "6", "--seed", "3", "--rooms", "2", "--out", folder)
    return folder


@pytest.fixture(scope="module")
def result(script: ModuleType, scenes: Path) -> dict:
    clips, sounds = script.read_set(scenes)
    return script.report(clips, script.listen("default", sounds), scenes / "reliability.png")


def test_scores_are_those_of_detect_and_evaluate(result: dict, scenes: Path, tmp_path: Path) -> None:
    earwitness("detect", scenes / "stereo_dev", "--out", tmp_path / "said")
    labels = scenes / "metadata_dev" / "dev-train-synth"
    earwitness(
        "evaluate", "--reference", labels, "--predictions", tmp_path / "said", "--json", tmp_path / "scores.json"
    )
    expected = json.loads((tmp_path / "scores.json").read_text())
    for average in ("macro", "macro_onscreen", "micro"):
        for name in ("f_score", "doa_error_deg", "relative_distance_error"):
            assert result["scores"][average][name] == pytest.approx(expected[average][name], abs=1e-9)


def test_bins_hold_every_label_once(result: dict, scenes: Path) -> None:
    labels = sum(len(path.read_text().splitlines()) - 1 for path in (scenes / "metadata_dev").glob("*/*.csv"))
    assert sum(result["by_snr"]["labels"]) == sum(result["by_motion"]["labels"]) == labels
    for part in (result["by_snr"], result["by_motion"]):
        found = np.array(part["found"])
        known = np.array(part["labels"]) > 0
        assert np.all((found[known, 1] <= found[known, 0] + 1e-9) & (found[known, 0] <= found[known, 2] + 1e-9))


def test_what_the_model_is_told_can_only_help(result: dict) -> None:
    assert result["known_classes"]["f_score"] >= result["scores"]["macro"]["f_score"]
    assert result["known_places"] >= result["scores"]["macro"]["f_score"]
    assert 0 <= result["calibration_error"] <= 1
    assert (np.array(result["confusion"]) <= 1).all()


def test_places_are_those_of_the_matched_pairs(script: ModuleType, scenes: Path) -> None:
    """Answers that are the truth, with every distance three times as far."""
    clips, _ = script.read_set(scenes)
    tables = [clip.rows.to_table() for clip in clips]
    where = script.places(clips, [table.with_columns(distance=3 * table.distance) for table in tables])
    assert where["off_in_angle"] == 0
    assert where["off_in_distance"] == 1
    assert where["correlation_of_log_distance"] == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(where["answered_metres"], 3 * np.array(where["true_metres"]), rtol=0.01)


def test_a_source_keeps_its_level_and_motion(script: ModuleType, scenes: Path) -> None:
    """The ratio falls by 6 dB where a source walks to twice its distance, and static sources keep one ratio."""
    clips, _ = script.read_set(scenes)
    for clip in clips:
        for source in {(c, s) for c, s in zip(clip.rows.class_index, clip.rows.source, strict=True)}:
            own = (clip.rows.class_index == source[0]) & (clip.rows.source == source[1])
            level = clip.snr_db[own] + 20 * np.log10(clip.rows.distance_cm[own])
            assert np.ptp(level) < 1e-6
            if not clip.moving[own].any():
                assert np.ptp(clip.rows.distance_cm[own]) == 0


def test_report_is_readable(script: ModuleType, result: dict, scenes: Path) -> None:
    text = script.markdown(result)
    assert "| F20/1 |" in text
    assert text.count("| Female speech |") == 2
    assert (scenes / "reliability.png").read_bytes().startswith(b"\x89PNG")


def test_goals_have_intervals_and_paired_differences(script: ModuleType, scenes: Path, tmp_path: Path) -> None:
    from model_goals import WANTED, bias_lines, goal_lines, goals

    clips, _ = script.read_set(scenes)
    tables = [clip.rows.to_table() for clip in clips]
    rows = [clip.rows for clip in clips]
    farther = [table.with_columns(distance=2.5 * table.distance) for table in tables]
    for events, folder in ((tables, tmp_path / "truth"), (farther, tmp_path / "farther")):
        folder.mkdir()
        script.counted(clips, events).save(folder / "counts.npz")
        np.save(folder / "curves.npy", script.curve_sums(rows, [script.LabelRows.from_table(t) for t in events]))
    found = goals(script.counted(clips, tables), np.load(tmp_path / "truth" / "curves.npy"), tmp_path / "farther")
    assert found.keys() == WANTED.keys()
    assert found["doa_error_deg"]["reached"]
    assert found["f_score"]["difference"][0] > 0.3
    assert found["log_distance_slope"]["value"][0] == pytest.approx(1, abs=0.01)
    text = "\n".join(goal_lines(found) + bias_lines(script.curve_intervals(np.load(tmp_path / "truth" / "curves.npy"))))
    assert "| RDE | 0.0" in text
    assert "difference to the other model" in text
    with pytest.raises(SystemExit, match="score that model again"):
        goals(script.counted(clips, tables), np.zeros((6, 26)), tmp_path)


def test_intervals_are_counted_by_condition(script: ModuleType, scenes: Path, tmp_path: Path) -> None:
    from interval_tables import interval_lines, interval_report

    clips, _ = script.read_set(scenes)
    tables = [clip.rows.to_table() for clip in clips]
    with pytest.raises(SystemExit, match="its card has no intervals"):
        interval_report(str(plain_copy(tmp_path)), tables, tables, {})
    constant = {"classes": (np.log(1.0 + 10.0),) * 13, "terms": (0.0,) * len(TERMS)}
    none = {"classes": (-0.1,) * 13, "terms": (0.0,) * len(TERMS)}
    zero = (0.0, 0.0, 0.0)
    model = plain_copy(
        tmp_path,
        IntervalModel(
            azimuth=constant, nearest=none, farthest=none, azimuth_margin=zero, distance_margin=zero, events=(1, 1, 1)
        ),
    )
    found = interval_report(str(model), tables, tables, {"fold": ["one", "two"] * 3})
    whole = found["by"]["all"]["all events"]
    assert whole["azimuth_coverage"] == 1
    assert whole["azimuth_width_deg"] == pytest.approx(20)
    assert whole["distance_coverage"] == 0
    assert sum(part["events"] for part in found["by"]["fold"].values()) == whole["events"]
    text = "\n".join(interval_lines(found))
    assert "| all events |" in text
    assert "| two |" in text


def plain_copy(folder: Path, intervals: IntervalModel | None = None) -> Path:
    """The default model with these intervals."""
    file, path = find_model("default"), folder / "copy.onnx"
    path.write_bytes(file.path.read_bytes())
    file.card.model_copy(update={"intervals": intervals}).write(card_path(path))
    return path
