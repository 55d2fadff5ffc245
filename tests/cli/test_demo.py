from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from earwitness.data.dcase.labels import read_table
from earwitness.media.containers.probe import probe
from earwitness.metrics.evaluation import compare
from earwitness.results.document import read_events

ASSETS = Path(__file__).parents[2] / "src" / "earwitness" / "assets"


def earwitness(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "earwitness.cli.main", *arguments]
    environment = {**os.environ, "COLUMNS": "110"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("demo")
    return earwitness("demo", "--out", "demo", cwd=folder), folder / "demo"


def test_demo_hears_the_sample(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    result, out = demo
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert "Compared with the truth" in result.stdout
    names = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert {"sample.csv", "sample.json", "sample.vtt", "sample.png", "sample.earwitness.mp4"} <= names


def test_demo_comes_close_to_the_truth(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """The shipped model must work: most events of the sample heard, near their direction."""
    _, out = demo
    frames = round(probe(ASSETS / "sample" / "sample.mp4").duration * 10)
    hearing = compare(read_table(ASSETS / "sample" / "sample.csv", frames), read_events(out / "sample.json"))
    assert len(hearing.missed) <= 0.4 * hearing.events
    assert hearing.azimuth_error < 20


def test_rendered_video_keeps_sound_and_length(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, out = demo
    before, after = probe(ASSETS / "sample" / "sample.mp4"), probe(out / "sample.earwitness.mp4")
    assert after.audio is not None
    assert after.video is not None
    assert abs(after.duration - before.duration) < 0.1


def test_shipped_model_fits_its_card_and_its_limits() -> None:
    from earwitness.detect.model.card import read_card

    model = ASSETS / "models" / "default.onnx"
    assert model.stat().st_size <= 20_000_000
    card = read_card(model.with_suffix(".json"))
    card.check(model)
    assert card.scores["synthetic/f_score"] >= 0.35
    assert card.limits
