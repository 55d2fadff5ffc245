import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from earwitness.core.errors import TrainingError
from earwitness.models.checkpoint import load_model
from earwitness.training.loop.distributed import (
    SynchronisedBatchNorm,
    World,
    synchronise_batch_norm,
    use_deterministic_algorithms,
)

HERE = Path(__file__).parents[1] / "helpers"
SCRIPT = (
    "import sys; from pathlib import Path\n"
    f"sys.path.insert(0, {str(HERE)!r})\n"
    "from fakes import open_tones, tiny_recipe\n"
    "from earwitness.training.loop.distributed import leave\n"
    "from earwitness.training.loop.trainer import Trainer\n"
    "recipe = tiny_recipe(batch=8, steps=5, valid_every=5)\n"
    "recipe = recipe.model_copy(update={'model': recipe.model.model_copy(update={'dropout': 0.0})})\n"
    "scores = Trainer(recipe, Path(sys.argv[1]), open_tones, open_tones).run()\n"
    "assert scores.macro.f_score >= 0\n"
    "leave()\n"
)


def train(folder, processes):
    script = folder.with_suffix(".py")
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TORCH_NCCL_ASYNC_ERROR_HANDLING": "0"}
    done = subprocess.run(
        [*(command if processes > 1 else [sys.executable]), str(script), str(folder)],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [entry for entry in entries if entry["kind"] == "train"], load_model(folder / "last.safetensors")


def test_two_processes_learn_what_one_does_from_the_same_batches(tmp_path):
    """Losses, weights and statistics of normalisation; dropout, which each process draws for itself, is off."""
    alone, one = train(tmp_path / "one", 1)
    together, two = train(tmp_path / "two", 2)
    assert len(alone) == len(together) == 5
    for figure in ("total", "direction", "distance", "onscreen"):
        a, b = ([entry[figure] for entry in log] for log in (alone, together))
        assert a == pytest.approx(b, rel=1e-3, abs=1e-5)
    assert alone[0]["total"] == pytest.approx(together[0]["total"], rel=1e-5)
    torch.testing.assert_close(two.state_dict(), one.state_dict(), rtol=5e-3, atol=5e-4)


def test_each_process_has_its_part_of_a_batch():
    assert [World(rank, 3).part(12) for rank in range(3)] == [slice(0, 4), slice(4, 8), slice(8, 12)]
    with pytest.raises(TrainingError, match=r"change run\.batch"):
        World(0, 3).part(8)


def test_shared_statistics_keep_names_and_weights():
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Sequential(nn.BatchNorm2d(2)))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    weight = net[1][0].weight
    synchronise_batch_norm(net, World(0, 2))
    assert isinstance(net[1][0], SynchronisedBatchNorm)
    assert net[1][0].weight is weight
    torch.testing.assert_close(net.state_dict(), before)
    maps = torch.randn(4, 1, 3, 3)
    plain = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Sequential(nn.BatchNorm2d(2)))
    plain.load_state_dict(before)
    torch.testing.assert_close(net.eval()(maps), plain.eval()(maps))


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    yield
    torch.use_deterministic_algorithms(False)
    os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)


@pytest.mark.usefixtures("restored")
def test_an_algorithm_that_is_not_deterministic_is_refused() -> None:
    use_deterministic_algorithms()
    assert torch.are_deterministic_algorithms_enabled()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    with pytest.raises(RuntimeError, match="deterministic"):
        torch.ones(4).put_(torch.tensor([1, 1]), torch.tensor([2.0, 3.0]))
