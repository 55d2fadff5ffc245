"""Runs that are killed, and disks that are full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import BankError, EncodingError, SynthesisError
from earwitness.scenes import PoolConfig, RirPool, SceneConfig
from earwitness.scenes.writing.scene_clips import RenderJob
from earwitness.scenes.writing.scene_folder import render_folder
from folders import digest, files_up_to

pytest.importorskip("pyroomacoustics")
TINY_BANK = Path(__file__).parents[1] / "data" / "bank"
ROOMS = PoolConfig(rooms=1, positions=4, paths=1, path_points=4, seed=3)
LABELS = Path("metadata_dev") / "dev-train-synth"


def job(folder: Path, name: str) -> RenderJob:
    return RenderJob(TINY_BANK, folder / name, 11, None, ROOMS, SceneConfig(seconds=2.0), folder / "pools")


def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    options = ["synthesize", "--bank", str(TINY_BANK), "--clips", "40", "--seed", "4", "--rooms", "1", "--seconds", "1"]
    whole, killed = ([*options, "--out", str(tmp_path / name)] for name in ("whole", "killed"))
    assert CliRunner().invoke(app, whole).exit_code == 0
    with subprocess.Popen([sys.executable, "-m", "earwitness.cli.main", *killed], start_new_session=True) as running:
        while running.poll() is None and len(list((tmp_path / "killed" / LABELS).glob("*.csv"))) < 3:
            time.sleep(0.002)
        os.killpg(running.pid, signal.SIGKILL)
    done = len(list((tmp_path / "killed" / LABELS).glob("*.csv")))
    assert 3 <= done < 40
    # What a run leaves that is killed while it writes a clip.
    name = sorted((tmp_path / "whole" / LABELS).glob("*_mix039_*.csv"))[0].stem
    sound = tmp_path / "killed" / "stereo_dev" / "dev-train-synth"
    (sound / f"{name}.wav").write_bytes(b"RIFF")
    again = CliRunner().invoke(app, killed)
    assert again.exit_code == 0
    assert f"({40 - done} new)" in again.output
    assert digest(tmp_path / "killed") == digest(tmp_path / "whole")


def test_full_disks_are_named_and_leave_no_halves(tmp_path: Path) -> None:
    work = job(tmp_path, "set")
    RirPool.open(ROOMS, tmp_path / "pools")
    with files_up_to(50_000), pytest.raises(EncodingError, match="cannot be written"):
        render_folder(work, 2)
    assert digest(work.out) == {}
    with files_up_to(10_000), pytest.raises(EncodingError):
        render_folder(replace(work, video=True), 1)
    assert digest(work.out) == {}
    assert render_folder(work, 2) == 2


def test_full_disks_hold_no_pools(tmp_path: Path) -> None:
    with files_up_to(50_000), pytest.raises(BankError, match="MB of space"):
        RirPool.open(ROOMS, tmp_path / "pools")
    assert list((tmp_path / "pools").iterdir()) == []
    assert len(RirPool.open(ROOMS, tmp_path / "pools")) > 0


def test_unfinished_pools_of_killed_processes_are_deleted(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom earwitness.core.files.atomic import atomic_folder\n"
        "with atomic_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'samples.npy').write_bytes(b'half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / ROOMS.name)], check=False)
    (left,) = tmp_path.iterdir()
    RirPool.open(ROOMS, tmp_path)
    assert not left.exists()
    assert {path.name for path in tmp_path.iterdir()} == {ROOMS.name}


@pytest.mark.parametrize("change", [{"seed": 12}, {"scene": SceneConfig(seconds=2.0, microphone="ortf")}])
def test_sets_of_different_options_never_mix(tmp_path: Path, change: dict[str, object]) -> None:
    work = job(tmp_path, "set")
    render_folder(work, 2)
    before = digest(work.out)
    with pytest.raises(SynthesisError, match="another seed, bank or options"):
        render_folder(replace(work, **change), 3)  # type: ignore[arg-type]
    assert digest(work.out) == before
