"""All commands from clips to events with semantic tokens: embed, train, export, detect; real encoders' form, random
weights."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

pytest.importorskip("torch", reason="training needs torch (extra 'train')")
pytest.importorskip("onnx", reason="the encoders' test weights are made with onnx (extra 'train')")

from earwitness.cli.main import app
from earwitness.core.errors import EarwitnessError, UsageError
from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import write_table
from earwitness.detect.detector import Detector
from earwitness.encoders.weights import pretrained_models
from earwitness.encoders.weights.weight_files import sha256_of
from earwitness.media.sound.wav import write_wav
from earwitness.media.writer import MediaWriter
from earwitness.results.document import to_json

RATE, FRAMES, SPLIT = 24_000, 50, "dev-train-synth"
RECIPE: dict[str, Any] = {
    "name": "tiny-av",
    "features": {"channels": ["logmel_m", "intensity"], "mels": 16, "stpacc_bins": 16, "window": 512,
                 "stpacc_lags": 128},
    "model": {"architecture": "cmc", "stem_width": 4, "stem_kernel": 3, "widths": [4, 8], "pools": [[5, 2], [1, 2]],
              "dim": 16, "heads": 2, "blocks": 1, "conv_kernel": 3, "ffn_mult": 2, "cross_heads": 2, "gate": "open",
              "tokens": {"sound": {"dim": 1024}, "picture": {"dim": 1280}}},
    "run": {"batch": 2, "steps": 2, "valid_every": 2, "save_every": 2, "workers": 0, "scaler_scenes": 2, "ema": 0.0,
            "tensorboard": False, "precision": "fp32", "device": "cpu"},
}  # fmt: skip
runner = CliRunner()


def earwitness(*arguments: object) -> str:
    """Output of a command that must succeed."""
    result = runner.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def refusal(*arguments: object) -> BaseException | None:
    return runner.invoke(app, [str(argument) for argument in arguments]).exception


@pytest.fixture
def pulled(
    cache: Path, yamnet_folder: Path, efficientnet_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Path]:
    """Weights in the cache, as if the registry's were these."""
    folders = {}
    for name, source in (("yamnet", yamnet_folder), ("efficientnet-lite0", efficientnet_folder)):
        folders[name] = Path(shutil.copytree(source, cache / "models" / name))
        entry = pretrained_models.MODELS[name]
        files = tuple(
            replace(file, size=(source / file.name).stat().st_size, sha256=sha256_of(source / file.name))
            for file in entry.files
        )
        monkeypatch.setitem(pretrained_models.MODELS, name, replace(entry, files=files))
    return folders


def write_clips(root: Path, room: int, clips: int) -> Path:
    """Clips of 5 s: noise to one side, and a bright spot there in the picture."""
    rng = np.random.default_rng(room)
    for mix in range(clips):
        name = f"fold1_room{room:03d}_mix{mix:03d}_deg000_start0000"
        sound = rng.normal(scale=0.05, size=(2, 5 * RATE)) * np.array([[1.0], [0.2]])[:: 1 - 2 * (mix % 2)]
        wav = root / "stereo_dev" / SPLIT / f"{name}.wav"
        write_wav(wav, sound.astype(np.float32), RATE)
        table = EventTable.from_columns(
            frame=np.arange(FRAMES), class_index=np.full(FRAMES, mix % 2), azimuth=40.0 - 80 * (mix % 2), distance=2.0,
            num_frames=FRAMES,
        )  # fmt: skip
        write_table(root / "metadata_dev" / SPLIT / f"{name}.csv", table)
        path = root / "video_dev" / SPLIT / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        with MediaWriter(path, 160, 90, Fraction(2), preset="ultrafast", copy_audio_from=wav) as writer:
            picture = np.full((90, 160, 3), 60, dtype=np.uint8)
            picture[30:60, 20 + 100 * (mix % 2) :][:, :20] = 250
            for frame in range(10):
                writer.write_frame(picture, frame / 2)
    return root


def test_from_clips_to_events(tmp_path: Path, pulled: dict[str, Path]) -> None:
    sets = {name: write_clips(tmp_path / name, room, 2) for room, name in enumerate(("train", "valid"), start=1)}
    for root in sets.values():
        earwitness("dataset", "embed", root, "--encoder", "yamnet,efficientnet-lite0", "--rate", "0.5", "--swap")
    recipe = tmp_path / "tiny.yaml"
    data = {
        "folders": [{"root": str(sets["train"])}], "valid_folder": {"root": str(sets["valid"])}, "swap": "random",
        "tokens": {"sound": {"encoder": "yamnet"}, "picture": {"encoder": "efficientnet-lite0"}},
    }  # fmt: skip
    recipe.write_text(yaml.safe_dump({**RECIPE, "data": data}))
    earwitness("train", recipe, "--out", tmp_path / "run")
    model = tmp_path / "tiny.onnx"
    earwitness("export-model", tmp_path / "run", "--out", model, "--scenes", "2")

    # Thresholds of a network that has learnt next to nothing let all or nothing through: here, all.
    card = json.loads(model.with_suffix(".json").read_text())
    assert {name: need["made_by"]["encoder"] for name, need in card["tokens"].items()} == {
        "sound": "yamnet", "picture": "efficientnet-lite0",
    }  # fmt: skip
    model.with_suffix(".json").write_text(json.dumps({**card, "thresholds": [0.0] * 13}))
    film = min((sets["valid"] / "video_dev" / SPLIT).iterdir())
    alone = sets["valid"] / "stereo_dev" / SPLIT / f"{film.stem}.wav"

    def detect(source: Path, modalities: str | None = None) -> list[dict[str, Any]]:
        # Not the command, whose worker process does not know the weights that this test registers.
        found = Detector.load(str(model), modalities=modalities).detect(source)
        events: list[dict[str, Any]] = json.loads(to_json(found))["events"]
        return events

    whole, sound = detect(film), detect(film, "sound")
    neither, again = detect(film, "none"), detect(film)
    assert whole
    assert whole == again
    assert whole != sound != neither
    assert detect(alone) == detect(alone, "sound")  # a file without pictures

    assert isinstance(refusal("detect", film, "--model", model, "--modalities", "smell"), UsageError)
    (pulled["yamnet"] / "classes.csv").write_text("other weights")
    damaged = refusal("detect", film, "--model", model, "--out", tmp_path / "no")
    assert isinstance(damaged, EarwitnessError)
    assert "models pull yamnet" in str(damaged)
    shutil.rmtree(pulled["efficientnet-lite0"])
    missing = refusal("detect", film, "--model", model, "--modalities", "picture", "--out", tmp_path / "no")
    assert isinstance(missing, EarwitnessError)
    assert "models pull efficientnet-lite0" in str(missing)
