"""The commands of docs/train.md, in their order, on a tiny set in the layout of DCASE2025."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="training needs torch (extra 'train')")
pytest.importorskip("transformers", reason="CLAP and OWL-ViT need the extra 'semantic'")


from dcase_commands import BANK, TINY, changes, in_metres, refused, rewrite, run
from earwitness.cli.main import app
from earwitness.core.multi_accddoa import decode
from earwitness.detect.detector import Detector
from earwitness.detect.model.loading import load
from earwitness.media.sound.wav import read_pcm
from earwitness.training.loop.trainer import Trainer

from .conftest import RECORDINGS

DOCS = Path(__file__).parents[2] / "docs" / "train.md"


TINY_TOKENS = {"model.cross_heads": "2", "model.tokens.sound.dim": "64", "model.tokens.picture.dim": "32"}


TINY_BANK = {"data.pool": "{rooms: 2, positions: 4, paths: 0}", "data.cache": "rooms"}


def commands(text: str) -> list[list[str]]:
    """The indented commands of a page."""
    return [shlex.split(line, comments=True)[1:] for line in re.findall(r"^    (earwitness .*)$", text, re.MULTILINE)]


def test_the_set_has_what_the_page_uses(dataset: Path) -> None:
    clips = [path.parent.name for path in (dataset / "stereo_dev").rglob("*.wav")]
    assert set(clips) == {split for split, _ in RECORDINGS}
    assert len(list((dataset / "video_dev").rglob("*.mp4"))) == len(clips) == 8


def test_the_page_from_the_data_set_to_the_submission(
    at_work: Path,
    clap_folder: Path,
    owlvit_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: dict[str, str] = {}
    interrupt(monkeypatch)
    for arguments in commands(DOCS.read_text(encoding="utf-8").partition("## Recipes")[0]):
        verb, tail = " ".join(arguments[:2]), []
        if verb == "models pull":
            for name, folder in (("clap", clap_folder), ("owlvit", owlvit_folder)):
                run("models", "pull", name, "--from", folder)
            continue
        if "BANK" in str(arguments):
            continue  # test_synthetic_scenes_are_added_from_a_bank
        if verb.startswith("train dcase2025"):
            tail = changes(TINY | (TINY_TOKENS if verb.endswith("-av") else {}))
        if verb == "train dcase2025":
            stopped = CliRunner().invoke(app, [*arguments, *tail])
            assert stopped.exit_code != 0, stopped.output
            assert not (at_work / "runs" / "sound" / "last.safetensors").exists(), stopped.output
            continue
        said[verb] = run(*arguments, *tail, *(["--scenes", "4"] if verb.startswith("export-model") else []))
    assert (at_work / "runs" / "sound" / "last.safetensors").is_file()
    assert "done, F20/1" in said["train --resume"]
    assert "(rooms " in said["train dcase2025-av"]
    card = json.loads((at_work / "av.json").read_text())
    assert set(card["tokens"]) == {"sound", "picture"}
    tests = {path.stem for path in (at_work / "DCASE2025" / "metadata_dev").glob("dev-test-*/*.csv")}
    assert {path.stem for path in (at_work / "predictions").glob("*.csv")} == tests
    assert "ignored" not in said["evaluate --reference"]
    assert "missing" not in said["evaluate --reference"]
    assert zipfile.ZipFile(at_work / "task3.zip").namelist() == ["clip1.csv"]


def interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first training is interrupted after its second step."""
    save = Trainer.save
    saved: list[int] = []

    def stopping(trainer: Trainer) -> None:
        save(trainer)
        saved.append(trainer.step)
        if len(saved) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "save", stopping)


def test_synthetic_scenes_are_added_from_a_bank(at_work: Path) -> None:
    (arguments,) = [one for one in commands(DOCS.read_text(encoding="utf-8")) if "dcase2025-synthetic" in one]
    given = [str(BANK).join(part.split("BANK")) for part in arguments]
    said = run(*given, *changes(TINY | TINY_BANK))
    assert "5 training clips" not in said
    assert "training clips" in said
    recipe = (at_work / "runs" / "synthetic" / "recipe.yaml").read_text()
    assert "bank_weight: 1.0" in recipe
    assert "root: DCASE2025\n    splits: null\n    weight: 3.0" in recipe


def test_what_a_set_lacks_is_said_with_what_to_do(at_work: Path) -> None:
    tiny = changes(TINY)
    data = at_work / "DCASE2025"
    assert "`train --data DIR` names its data set" in refused("train", "dcase2025", "--data", "elsewhere", *tiny)
    assert "which this recipe does not train on" in refused("train", "seld", "--data", data, *tiny)
    assert "run: earwitness dataset embed" in refused("train", "dcase2025-av", "--data", data, *changes(TINY))
    rewrite(data / "metadata_dev" / "dev-train-tau", in_metres)
    assert "they seem to be metres; multiply them by 100" in refused("train", "dcase2025", "--data", data, *tiny)
    for part in ("stereo_dev", "metadata_dev", "video_dev"):
        shutil.rmtree(data / part / "dev-train-tau")
    alone = refused("train", "dcase2025", "--data", data, *tiny)
    assert "needs clips of fold 3 from two rooms, but there are only those of room 21" in alone
    assert "data.valid_folder" in alone
    shutil.rmtree(data / "stereo_dev" / "dev-train-sony")
    assert "no clips with sound and labels in dev-train-*" in refused("train", "dcase2025", "--data", data, *tiny)


def test_a_set_without_a_test_split_or_videos(at_work: Path, owlvit_folder: Path) -> None:
    data = at_work / "DCASE2025"
    for part in ("stereo_dev", "metadata_dev", "video_dev"):
        for split in ("sony", "tau"):
            shutil.rmtree(data / part / f"dev-test-{split}")
    said = refused("detect", "--dcase", data, "--splits", "dev-test", "--out", "predictions")
    assert "has no split 'dev-test'; it has dev-train-sony, dev-train-tau, eval" in said
    shutil.rmtree(data / "video_dev")
    shutil.rmtree(data / "video_eval")
    weights = f"owlvit={owlvit_folder}"
    said = refused("dataset", "embed", data, "--encoder", "owlvit", "--weights", weights)
    assert "no clip has pictures" in said
    assert "leave 'owlvit' out" in said
    said = refused("train", "dcase2025-av", "--data", data, *changes(TINY | {"model.tokens": "{picture: {dim: 32}}"}))
    assert "no folder has embeddings of 'owlvit'" in said
    assert "train without them" in said


def test_the_official_baseline_decodes_as_the_official_code(at_work: Path) -> None:
    small = {
        "data.folders": "[{root: DCASE2025}]", "data.valid_rooms": "auto", "data.valid_scenes": "4",
        "model.filters": "4", "model.rnn_width": "16", "model.head_width": "8", "run.batch": "4", "run.steps": "2",
        "run.workers": "0", "run.tensorboard": "false", "run.valid_every": "1",
    }  # fmt: skip
    run("train", "official-baseline-audio", "--out", "runs/official", *changes(small))
    run("export-model", "runs/official", "--out", "official.onnx", "--scenes", "4")
    detector = Detector.load("official.onnx", vision=None)
    assert (detector.card.decoding, detector.card.thresholds) == ("official", (0.5,) * 13)
    clips = sorted((at_work / "DCASE2025" / "stereo_dev").glob("*/*.wav"))
    found = next(one for one in map(detector.detect, clips) if not any("direction" in why for why in one.warnings))
    assert found.settings["decoding"] == "official"
    assert found.path is not None
    runner, _ = load("official.onnx")
    expected = decode(np.concatenate(list(runner.outputs([read_pcm(found.path)]))), decoding="official")
    assert len(found.table) == len(expected)
    np.testing.assert_allclose(np.sort(found.table.azimuth), np.sort(expected.azimuth), atol=1e-3)
    assert not found.table.onscreen.any()
