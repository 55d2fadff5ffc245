from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmark_sets import CLIPS, Place
from earwitness.benchmark import set_making
from earwitness.media.sound.wav import write_wav

SEED = 0x5EED0FBE11A2D20C50000000000001
"""In place of a random one, with which a clip may have no events, and tests of what is scored would fail by chance."""


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Made once: rendering takes seconds."""
    pytest.importorskip("pyroomacoustics", reason="simulating rooms needs the extra 'train'")
    folder = tmp_path_factory.mktemp("benchmark")
    tone = 0.5 * np.sin(np.arange(24_000) * 0.3).astype(np.float32)[None]
    for kind in ("bell", "knock"):
        write_wav(folder / "bank" / kind / "a.wav", tone, 24_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARWITNESS_CACHE", str(folder / "cache"))
        patch.setattr(set_making, "new_seed", lambda: SEED)
        from typer.testing import CliRunner

        from earwitness.cli.main import app

        asked = ["benchmark", "make", "--bank", folder / "bank", "--out", folder / "made", "--clips", CLIPS]
        done = CliRunner().invoke(app, [*map(str, asked), "--rooms", "1", "--name", "tiny"])
    assert done.exit_code == 0, done.output
    labels = (folder / "made/secret/clips/metadata_dev").rglob("*.csv")
    assert all(len(path.read_text().splitlines()) > 1 for path in labels), "choose another SEED: a clip has no events"
    return Place(folder / "bank", folder / "made", done.output)


@pytest.fixture
def made(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the set, in the current folder."""
    monkeypatch.setenv("EARWITNESS_CACHE", str(place.bank.parent / "cache"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(place.made, tmp_path / "set1")
    labels = tmp_path / "set1/secret/clips/metadata_dev/dev-train-synth"
    shutil.copytree(labels, tmp_path / "right")
    shutil.copytree(labels, tmp_path / "silent")
    for path in (tmp_path / "silent").iterdir():
        path.write_text("frame,class,source,azimuth,distance,onscreen\n")
    return tmp_path / "set1"
