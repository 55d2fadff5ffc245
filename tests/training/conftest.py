"""Fixtures shared with other rooms, and a tiny set in the layout of DCASE2025, made by `dataset stereo`."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from dcase_commands import run
from earwitness.media.sound.wav import write_wav

from ..data.conftest import make_set, picture, write_video  # noqa: F401 - fixtures
from ..encoders.conftest import clap_folder, owlvit_folder  # noqa: F401 - fixtures
from ..scenes.conftest import free_field  # noqa: F401 - fixture

RATE = 24_000
RECORDINGS = (
    ("dev-train-sony", "fold3_room21_mix013"), ("dev-train-tau", "fold3_room4_mix001"),
    ("dev-test-sony", "fold4_room23_mix001"), ("dev-test-tau", "fold4_room8_mix001"),
)  # fmt: skip


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


@pytest.fixture
def options(at_work: Path, clap_folder: Path, owlvit_folder: Path) -> list[str]:  # noqa: F811
    """`reproduce` of the tiny set with small models of random weights."""
    weights = ["--weights", f"clap={clap_folder}", "--weights", f"owlvit={owlvit_folder}"]
    return ["reproduce", "--data", "DCASE2025", *weights]
