"""Two runs of tiny networks on the same scenes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import encode, ideal_output

BANK = Path(__file__).parents[1] / "data" / "bank"


@pytest.fixture
def script(load_script: Callable[[str], ModuleType]) -> ModuleType:
    pytest.importorskip("torch", reason="networks run with torch (extra 'train')")
    return load_script("compare_legs")


class Known:
    """Scenes with two sources of a class in their second half, whose outputs are known."""

    def __init__(self, seed: int, scenes: int = 12) -> None:
        rng = np.random.default_rng(seed)
        self.references = [self._scene(rng) for _ in range(scenes)]

    def _scene(self, rng: np.random.Generator) -> EventTable:
        frames = np.concatenate([np.arange(50), np.arange(25, 50)])
        azimuth = np.repeat(rng.uniform([20, -60], [60, -20]), [50, 25])
        kind = np.repeat(int(rng.integers(13)), 75)
        return EventTable.from_columns(
            frame=frames, class_index=kind, source=np.repeat([0, 1], [50, 25]), azimuth=azimuth, distance=2.0,
            num_frames=50,
        )  # fmt: skip

    def outputs(self, net: SimpleNamespace) -> np.ndarray:
        rng, made = np.random.default_rng(0), []
        for table in self.references:
            kept = table.select(table.source <= net.most)
            said = ideal_output(encode(kept.with_columns(azimuth=kept.azimuth + rng.normal(0, net.off, len(kept)))))
            silent = np.hypot(said[..., 0], said[..., 1]) == 0
            said[..., :2] *= 0.9
            said[silent] = [0.05, 0.0, 2.0, 0.0]
            made.append(said)
        return np.stack(made).astype(np.float32)


def test_a_better_run_is_better_where_it_is(script: ModuleType) -> None:
    tuning, test = Known(1), Known(2)
    nets = {"one": SimpleNamespace(most=0, off=1.0), "both": SimpleNamespace(most=1, off=1.0)}
    result = script.compared({name: script.scored(net, tuning, test) for name, net in nets.items()})
    assert result["one"]["scores"][script.SECOND][0] == 0
    assert result["both"]["scores"][script.SECOND][0] > 0.95
    gain, low, high = result["both"]["differences"]["F20/1, 2 events"]
    assert low > 0.1
    assert low <= gain <= high
    assert result["both"]["differences"]["F20/1, 1 event"][0] == pytest.approx(0, abs=0.02)
    assert "differences" not in result["one"]
    lines = script.table(result)
    assert lines[0] == "| | one | both | both - one (95 %) |"
    assert len({line.count("|") for line in lines}) == 1
    assert "3 events" not in "".join(lines)
    one = script.scored(nets["one"], tuning, test)
    same = script.figures(one, one)
    assert same
    assert all(value == pytest.approx([0, 0, 0], abs=1e-9) for value in same.values())


def tiny_run(folder: Path, seed: int, **features: object) -> Path:
    import torch

    from earwitness.models.checkpoint import build, save_model
    from earwitness.training.recipe import check_recipe

    shape = {"stem_width": 4, "stem_kernel": 3, "widths": [4, 8], "pools": [[5, 2], [1, 2]], "dim": 16, "heads": 2,
             "blocks": 1, "conv_kernel": 3, "ffn_mult": 2}  # fmt: skip
    data = {"pool": {"rooms": 1, "positions": 4, "paths": 1, "kind": "varied"}, "scene": {"preset": "starss"}}
    channels = {"channels": ["logmel_m", "intensity"], **features}
    recipe = check_recipe({"name": folder.name, "data": data, "model": shape, "features": channels}, "tiny")
    folder.mkdir()
    (folder / "recipe.yaml").write_text(recipe.dump())
    torch.manual_seed(seed)
    save_model(build(recipe.model), folder / "last.safetensors")
    return folder


@pytest.mark.skipif(not BANK.is_dir(), reason="the tiny bank is not here")
def test_the_command_scores_runs_on_the_same_scenes(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyroomacoustics", reason="rooms are simulated with pyroomacoustics (extra 'train')")
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    one, other = tiny_run(tmp_path / "one", 0), tiny_run(tmp_path / "other", 1)

    def call(*words: object) -> None:
        monkeypatch.setattr(sys, "argv", ["x", *map(str, words), "--bank", str(BANK), "--scenes", "4", "--tune", "3"])
        script.main()

    call(one, other, "--json", tmp_path / "out.json")
    assert "| F20/1 |" in capsys.readouterr().out
    assert list(json.loads((tmp_path / "out.json").read_text())) == ["one", "other"]
    with pytest.raises(SystemExit, match="seed 2 is one of the run's own"):
        call(one, other, "--seed", "2")
    with pytest.raises(SystemExit, match="other features"):
        call(one, tiny_run(tmp_path / "third", 0, channels=["logmel_m", "coherence"]))
    with pytest.raises(SystemExit, match="not the folder of a training run"):
        call(one, tmp_path)
    with pytest.raises(SystemExit):
        call(one, one)
