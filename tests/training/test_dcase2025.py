"""The commands of docs/train.md, in their order, on a tiny set in the layout of DCASE2025."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="training needs torch (extra 'train')")
pytest.importorskip("transformers", reason="CLAP and OWL-ViT need the extra 'semantic'")

from earwitness.cli.main import app
from earwitness.core.errors import EarwitnessError
from earwitness.media.sound.wav import write_wav
from earwitness.training.loop.trainer import Trainer

from ..data.conftest import write_video

DOCS = Path(__file__).parents[2] / "docs" / "train.md"
RATE = 24_000
RECORDINGS = (
    ("dev-train-sony", "fold3_room21_mix013"), ("dev-train-tau", "fold3_room4_mix001"),
    ("dev-test-sony", "fold4_room23_mix001"), ("dev-test-tau", "fold4_room8_mix001"),
)  # fmt: skip
TINY = {
    "features": "{channels: [logmel_m, logmel_s, intensity], mels: 16, window: 512, stpacc_bins: 16, stpacc_lags: 128}",
    "model.stem_width": "4", "model.widths": "[4, 8]", "model.pools": "[[5, 2], [1, 2]]", "model.dim": "16",
    "model.heads": "2", "model.blocks": "1", "model.conv_kernel": "3", "model.ffn_mult": "2",
    "run.batch": "4", "run.steps": "3", "run.save_every": "1", "run.workers": "0", "run.scaler_scenes": "4",
    "run.tensorboard": "false", "data.valid_scenes": "4",
}  # fmt: skip
TINY_TOKENS = {"model.cross_heads": "2", "model.tokens.sound.dim": "64", "model.tokens.picture.dim": "32"}
TINY_BANK = {"data.pool": "{rooms: 2, positions: 4, paths: 0}", "data.cache": "rooms"}


def commands(text: str) -> list[list[str]]:
    """The indented commands of a page."""
    return [shlex.split(line, comments=True)[1:] for line in re.findall(r"^    (earwitness .*)$", text, re.MULTILINE)]


def changes(values: dict[str, str]) -> list[str]:
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == 0, f"{' '.join(map(str, arguments))}: {done.output}{done.exception or ''}"
    return done.output


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ambisonic recordings with a panorama each: noise that walks from the left to the right."""
    root = tmp_path_factory.mktemp("starss")
    write_video(root / "panorama.mp4", 180, 160, 80)
    for number, (split, name) in enumerate(RECORDINGS):
        noise = np.random.default_rng(number).normal(scale=0.05, size=6 * RATE)
        turn = np.radians(np.linspace(60, -60, noise.size))
        write_wav(
            root / "foa_dev" / split / f"{name}.wav",
            np.stack([noise, np.sin(turn) * noise, 0 * noise, np.cos(turn) * noise]), RATE,
        )  # fmt: skip
        for part, suffix in (("metadata_dev", ".csv"), ("video_dev", ".mp4")):
            (root / part / split).mkdir(parents=True, exist_ok=True)
            if suffix == ".mp4":
                shutil.copy(root / "panorama.mp4", root / part / split / f"{name}.mp4")
        rows = (f"{frame},{8 + number},0,{60 - 2 * frame},0,243\n" for frame in range(60))
        (root / "metadata_dev" / split / f"{name}.csv").write_text("".join(rows))
    return root


@pytest.fixture(scope="module")
def dataset(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of each recording, made by `dataset stereo`, and an evaluation clip."""
    root = tmp_path_factory.mktemp("set") / "DCASE2025"
    run("dataset", "stereo", "--starss", recordings, "--out", root, "--clips", "8", "--seed", "5", "--test-rooms")
    for part, suffix in (("stereo", ".wav"), ("video", ".mp4")):
        (root / f"{part}_eval" / "eval").mkdir(parents=True)
        (test,) = sorted((root / f"{part}_dev" / "dev-test-tau").iterdir())[:1]
        shutil.copy(test, root / f"{part}_eval" / "eval" / f"clip1{suffix}")
    return root


@pytest.fixture
def at_work(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with the data set, as the page's commands expect it."""
    shutil.copytree(dataset, tmp_path / "work" / "DCASE2025")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "work"


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


BANK = Path(__file__).parents[1] / "data" / "bank"


def test_synthetic_scenes_are_added_from_a_bank(at_work: Path) -> None:
    (arguments,) = [one for one in commands(DOCS.read_text(encoding="utf-8")) if "dcase2025-synthetic" in one]
    given = [str(BANK).join(part.split("BANK")) for part in arguments]
    said = run(*given, *changes(TINY | TINY_BANK))
    assert "5 training clips" not in said
    assert "training clips" in said
    recipe = (at_work / "runs" / "synthetic" / "recipe.yaml").read_text()
    assert "bank_weight: 1.0" in recipe
    assert "root: DCASE2025\n    splits: null\n    weight: 3.0" in recipe


def refused(*arguments: str | Path) -> str:
    """The message of a command that is refused before any training."""
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert isinstance(done.exception, EarwitnessError), done.output
    return str(done.exception)


def rewrite(folder: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Change the fields of all rows of the label files in a folder."""
    for path in folder.glob("*.csv"):
        head, *rows = path.read_text().splitlines()
        path.write_text("\n".join([head, *(",".join(change(row.split(","))) for row in rows), ""]))


def in_metres(fields: list[str]) -> list[str]:
    return [*fields[:4], "2", fields[5]]


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


def test_a_run_is_resumed_by_its_folder_alone(at_work: Path) -> None:
    assert "name a RECIPE" in refused("train", "--resume")
    assert "holds no run to resume" in refused("train", "--resume", "--out", "nothing")
    run("train", "dcase2025", "--data", "DCASE2025", "--out", "runs/one", *changes(TINY))
    finished = (at_work / "runs" / "one" / "last.safetensors").read_bytes()
    run("train", "--resume", "--out", "runs/one", "--set", "run.workers=0")
    assert (at_work / "runs" / "one" / "last.safetensors").read_bytes() == finished
    assert "run.steps was 3 and is 4" in refused("train", "--resume", "--out", "runs/one", "--set", "run.steps=4")
