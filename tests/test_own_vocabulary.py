"""Own classes end to end: bank, scenes with pictures, training, model file, detection, every output, scores."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.classes.class_files import FILE_NAME
from earwitness.core.errors import EarwitnessError
from earwitness.media.sound.wav import write_wav

pytest.importorskip("torch")
pytest.importorskip("pyroomacoustics")

NAMES = {"dog_barking": "Dog barking", "kettle": "Kettle", "rooster": "Rooster"}
RECIPE = {
    "name": "own",
    "data": {"pool": {"rooms": 1, "positions": 6, "paths": 0}, "valid_scenes": 4},
    "features": {"channels": ["logmel_m", "intensity"], "mels": 16, "stpacc_bins": 16, "window": 512,
                 "stpacc_lags": 128},
    "model": {"stem_width": 4, "stem_kernel": 3, "widths": [4, 8], "pools": [[5, 2], [1, 2]], "dim": 16, "heads": 2,
              "blocks": 1, "conv_kernel": 3, "ffn_mult": 2},
    "run": {"batch": 4, "steps": 2, "log_every": 1, "valid_every": 2, "save_every": 2, "workers": 0, "scaler_scenes": 2,
            "tensorboard": False, "precision": "fp32", "device": "cpu"},
}  # fmt: skip


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
    return result.output


def refused(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert isinstance(result.exception, EarwitnessError), f"{result.output}\n{result.exception!r}"
    return str(result.exception)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank of three classes, a set with videos, a trained model, and its results."""
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARWITNESS_CACHE", str(folder / "cache"))
        patch.chdir(folder)
        rng = np.random.default_rng(0)
        for number, name in enumerate(("Dog barking", "kettle", "rooster")):
            for take in range(8):
                sound = np.sin(np.arange(12_000) * (0.1 + 0.2 * number + 0.004 * take)) * rng.uniform(0.2, 0.5)
                write_wav(Path("bank") / name / f"{take}.wav", sound.astype(np.float32)[None], 24_000)
        Path("own.yaml").write_text(yaml.safe_dump(RECIPE))
        run("synthesize", "--bank", "bank", "--out", "set", "--clips", "2", "--seed", "1", "--rooms", "1", "--video",
            "--fps", "2")  # fmt: skip
        run("train", "own.yaml", "--set", "data.bank=bank", "--out", "run")
        run("export-model", "run", "--out", "own.onnx", "--scenes", "2")
        run("detect", "set/video_dev", "--model", "own.onnx", "--out", "found", "--threshold", "0.02", "--no-vision",
            "--format", "csv,json,jsonl,vtt,srt,html,rttm,textgrid,elan,audacity,jams", "--render")  # fmt: skip
    return folder


def test_the_model_has_the_classes_of_the_bank(made: Path) -> None:
    recipe = yaml.safe_load((made / "run" / "recipe.yaml").read_text())
    assert (recipe["model"]["classes"], [one["slug"] for one in recipe["vocabulary"]["classes"]]) == (3, [*NAMES])
    card = json.loads((made / "own.json").read_text())
    assert [one["name"] for one in card["vocabulary"]["classes"]] == [*NAMES.values()]
    assert len(card["thresholds"]) == 3


def test_every_output_names_the_own_classes(made: Path) -> None:
    found = set()
    for document in (made / "found").rglob("fold*.json"):
        values = json.loads(document.read_text())
        assert [one["slug"] for one in values["vocabulary"]["classes"]] == [*NAMES]
        found |= {event["class"] for event in values["events"]}
        stem = document.with_suffix("")
        rows = list(csv.DictReader(stem.with_suffix(".csv").open()))
        assert {int(row["class"]) for row in rows} == {event["class_index"] for event in values["events"]}
        if not values["events"]:
            continue
        slug = values["events"][0]["class"]
        for suffix, words in ((".jsonl", slug), (".vtt", NAMES[slug].lower()), (".srt", NAMES[slug].lower()),
                              (".html", NAMES[slug]), (".rttm", slug), (".TextGrid", NAMES[slug]),
                              (".eaf", NAMES[slug]), (".audacity.txt", NAMES[slug])):  # fmt: skip
            assert words in Path(f"{stem}{suffix}").read_text(), suffix
        assert Path(f"{stem}.earwitness.mp4").stat().st_size > 1000
    assert found
    assert found <= set(NAMES)


def test_scores_name_the_own_classes(made: Path) -> None:
    output = run("evaluate", "--reference", made / "set" / "metadata_dev", "--predictions", made / "found",
                 "--json", made / "scores.json", "--plot", made / "plots", "--jackknife")  # fmt: skip
    assert all(name in output for name in NAMES.values())
    scores = json.loads((made / "scores.json").read_text())
    assert scores["classes"] == [*NAMES]
    assert len(scores["macro"]["per_class"]["f_score"]) == 3
    assert (made / "plots" / "classes.png").stat().st_size > 1000
    checked = run("dataset", "check", made / "set")
    assert all(name in checked for name in NAMES.values())


def test_other_classes_are_refused_by_name(made: Path, tmp_path: Path) -> None:
    stated = (made / "set" / FILE_NAME).read_text()
    other = tmp_path / "other"
    other.mkdir()
    (other / FILE_NAME).write_text(re.sub("kettle", "teapot", re.sub("Kettle", "Teapot", stated)))
    for path in (made / "found").rglob("fold*.csv"):
        (other / path.name).write_bytes(path.read_bytes())
    reference = ("evaluate", "--reference", made / "set" / "metadata_dev", "--predictions")
    assert "class 1 of 'bank' is 'teapot', not 'kettle'" in refused(*reference, other)
    (other / FILE_NAME).unlink()
    assert "'dcase2025'" in refused(*reference, other)
    clip = next((made / "set" / "video_dev").rglob("*.mp4"))
    both = f"default,{made / 'own.onnx'}"
    assert "'bank' (dog_barking, kettle, rooster), not of 'dcase2025'" in refused("detect", clip, "--model", both)
    taken = ["detect", str(clip), "--no-vision", "--out", str(made / "found"), "--format", "csv"]
    done = CliRunner().invoke(app, taken)
    assert done.exit_code == 1
    assert "holds labels of other classes" in done.output


def test_a_checkpoint_of_other_classes_is_no_start(made: Path, tmp_path: Path) -> None:
    message = refused("train", made / "own.yaml", "--set", f"data.bank={made / 'bank'}", "--set",
                      "run.init_from=default", "--out", tmp_path / "run")  # fmt: skip
    assert "other" in message
