from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="tuning needs torch (extra 'train')")

from earwitness.cli.main import app
from earwitness.core.errors import LabelError, ModelError, UsageError
from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import write_table
from earwitness.detect.model.ensemble_file import read_ensemble
from earwitness.media.sound.wav import write_wav

MUSIC = 8


@pytest.fixture
def valid(tmp_path: Path, make_burst: Callable[..., np.ndarray]) -> Path:
    """Four clips with music where the meter hears it."""
    root = tmp_path / "valid"
    for number, azimuth in enumerate((40, -30, 10, -55)):
        name = f"fold1_room1_mix{number:03d}_deg000_start0000"
        frames = np.arange(10, 30)
        table = EventTable.from_columns(
            frame=frames, class_index=np.full(20, MUSIC), azimuth=np.full(20, azimuth), distance=np.full(20, 2.5),
            onscreen=np.zeros(20, bool), num_frames=50,
        )  # fmt: skip
        write_wav(root / "stereo_dev" / "dev-train-synth" / f"{name}.wav", make_burst(5, (1, 3, azimuth)), 24_000)
        (root / "metadata_dev" / "dev-train-synth").mkdir(parents=True, exist_ok=True)
        write_table(root / "metadata_dev" / "dev-train-synth" / f"{name}.csv", table)
    return root


def test_validation_tunes_weights_and_thresholds_and_detect_takes_the_file(
    valid: Path, meter_model: Path, random_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "both.ensemble"
    members = [str(random_model), str(meter_model)]
    result = CliRunner().invoke(app, ["ensemble", *members, "--out", str(out), "--name", "both", "--valid", str(valid)])
    assert result.exit_code == 0, result.output
    packed = read_ensemble(out)
    assert packed.weights is not None
    assert packed.weights[1] > packed.weights[0]  # the meter is right, the other is noise
    assert packed.card.scores["valid/scenes"] == 2
    assert packed.card.thresholds[0] == 0.5  # of a class that does not occur
    clip = next((valid / "stereo_dev" / "dev-train-synth").glob("*.wav"))
    found = CliRunner().invoke(app, ["detect", str(clip), "--model", str(out), "--out", str(tmp_path / "out")])
    assert found.exit_code == 0, found.output
    assert ",8," in (tmp_path / "out" / f"{clip.stem}.csv").read_text()


def test_weights_given_are_kept(meter_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "two.ensemble"
    members = [str(meter_model), f"mirror:{meter_model}"]
    result = CliRunner().invoke(app, ["ensemble", *members, "--out", str(out), "--weights", "2,1"])
    assert result.exit_code == 0, result.output
    packed = read_ensemble(out)
    assert packed.weights == (2.0, 1.0)
    assert packed.card.name == "meter+mirror:meter"


def test_what_is_wrong_is_said(meter_model: Path, tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "x.ensemble")]

    def error(*arguments: str) -> BaseException | None:
        return CliRunner().invoke(app, ["ensemble", *arguments]).exception

    assert isinstance(error(str(meter_model), *out, "--weights", "1,2"), UsageError)
    for weights in ("much", "0", "-1", "nan", "inf"):
        assert isinstance(error(str(meter_model), *out, "--weights", weights), UsageError), weights
    assert isinstance(error(str(meter_model), *out, "--splits", "dev-test"), UsageError)
    assert isinstance(error("nothing", *out), ModelError)
    assert isinstance(error(str(meter_model), "--out", str(tmp_path / "x.onnx")), ModelError)
    assert isinstance(error(str(meter_model), *out, "--valid", str(tmp_path)), LabelError)
