import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

HERE = Path(__file__).parents[1] / "helpers"
from earwitness.core.errors import TrainingError  # noqa: E402
from earwitness.models.checkpoint import load_model  # noqa: E402
from earwitness.training.loop import trainer as module  # noqa: E402
from earwitness.training.loop.trainer import Trainer  # noqa: E402
from earwitness.training.recipe_sections import AugmentSpec, OptimSpec  # noqa: E402
from fakes import dense_recipe, open_direct_tones, open_tones, tiny_recipe  # noqa: E402

FIGURES = ("total", "direction", "distance", "onscreen")


def trainer(folder, **run):
    return Trainer(tiny_recipe(**run), folder, open_tones, open_tones)


def curve(folder):
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [tuple(entry[name] for name in ("step", *FIGURES)) for entry in entries if entry["kind"] == "train"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run: its folder."""
    folder = tmp_path_factory.mktemp("whole")
    trainer(folder).run()
    return folder


def weights(folder):
    from earwitness.models.checkpoint import load_model

    return load_model(folder / "last.safetensors").state_dict()


def test_three_steps_and_three_resumed_equal_six(whole, tmp_path):
    first = trainer(tmp_path)
    stop_after(first, 3)
    trainer(tmp_path).run(resume=True)
    assert curve(tmp_path) == curve(whole)
    assert len(curve(whole)) == 6
    torch.testing.assert_close(weights(tmp_path), weights(whole), rtol=0, atol=0)


def stop_after(run, steps):
    learn = run.train_step

    def guarded(batch):
        if run.step == steps:
            raise KeyboardInterrupt
        return learn(batch)

    run.train_step = guarded
    with pytest.raises(KeyboardInterrupt):
        run.run()


def test_killed_run_resumes_on_the_same_curve(tmp_path):
    script = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "from pathlib import Path\nfrom fakes import open_tones, tiny_recipe\n"
        "from earwitness.training.loop.trainer import Trainer\n"
        "recipe = tiny_recipe(steps=24, save_every=3, valid_every=24, workers=1)\n"
        "Trainer(recipe, Path(sys.argv[1]), open_tones, open_tones).run(resume=len(sys.argv) > 2)\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def start(folder, *more):
        return subprocess.Popen(
            [sys.executable, "-c", script, str(folder), *more], env=environment, stderr=subprocess.PIPE
        )  # fmt: skip

    killed, straight = tmp_path / "killed", tmp_path / "straight"
    process = start(killed)
    deadline = time.monotonic() + 600
    while not list(killed.glob("state-*.pt")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (killed / "last.safetensors").exists()
    for run in (start(killed, "resume"), start(straight)):
        _, said = run.communicate(timeout=900)
        assert run.returncode == 0, said.decode()
    assert curve(killed) == curve(straight)
    torch.testing.assert_close(weights(killed), weights(straight), rtol=0, atol=0)


def test_keeps_two_states(whole):
    assert [path.name for path in sorted(whole.glob("state-*"))] == ["state-00000003.pt", "state-00000006.pt"]


def test_a_run_that_is_done_validates_its_end_once(whole, tmp_path):
    trainer(tmp_path).run()
    first = (tmp_path / "log.jsonl").read_text()
    trainer(tmp_path).run(resume=True)
    steps = [
        (entry["step"], entry["kind"]) for entry in map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    ]
    assert len(steps) == len(set(steps)) == len(first.splitlines())


def test_passes_over_a_damaged_state(whole, tmp_path):
    stop_after(trainer(tmp_path), 4)
    good = tmp_path / "state-00000003.pt"
    (tmp_path / "state-00000004.pt").write_bytes(good.read_bytes()[:1000])
    trainer(tmp_path).run(resume=True)
    assert curve(tmp_path) == curve(whole)


def test_loss_that_is_not_finite_stops_and_keeps_the_last_state(tmp_path):
    run = trainer(tmp_path)
    learn = run.train_step

    def poisoned(batch):
        if run.step == 4:
            batch.features[:] = torch.nan
        return learn(batch)

    run.train_step = poisoned
    with pytest.raises(TrainingError, match=r"scenes 8\.\.9"):
        run.run()
    state = torch.load(max(tmp_path.glob("state-*.pt")), weights_only=True)
    assert state["step"] == 3
    assert all(value.isfinite().all() for value in state["model"].values())


def test_silence_that_nothing_is_heard_in_has_a_best_and_a_log_all_the_same(tmp_path, monkeypatch):
    nothing = SimpleNamespace(
        macro=SimpleNamespace(
            f_score=math.nan, doa_error_deg=math.nan, relative_distance_error=math.nan, onscreen_accuracy=math.nan
        )
    )
    monkeypatch.setattr(module, "validate", lambda *_: (nothing, 0.5))
    trainer(tmp_path).run()
    assert (tmp_path / "best.safetensors").is_file()
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["f_score"] for entry in entries if entry["kind"] == "valid"][-1] is None
    assert "NaN" not in (tmp_path / "log.jsonl").read_text()


def test_gradient_that_is_not_finite_stops_before_the_weights(tmp_path):
    run = trainer(tmp_path)
    run.model.head.bias.register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(TrainingError, match="the gradient is"):
        run.run()
    assert all(value.isfinite().all() for value in run.model.state_dict().values())


def test_refuses_to_overwrite_or_to_resume_nothing(whole, tmp_path):
    with pytest.raises(TrainingError, match="--resume"):
        trainer(whole).run()
    with pytest.raises(TrainingError, match="no run to resume"):
        trainer(tmp_path).run(resume=True)


def test_learns_the_tones(tmp_path):
    run = trainer(tmp_path, steps=60, save_every=60, valid_every=60, batch=16)
    run.run()
    losses = [row[1] for row in curve(tmp_path)]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


def dense_trainer(folder, **run):
    return Trainer(dense_recipe(**run), folder, open_direct_tones, open_direct_tones)


def test_a_run_with_dense_targets_resumes_exactly_and_leaves_the_head_behind(tmp_path):
    for part in ("whole", "parts"):
        (tmp_path / part).mkdir()
    dense_trainer(tmp_path / "whole").run()
    stop_after(dense_trainer(tmp_path / "parts"), 3)
    dense_trainer(tmp_path / "parts").run(resume=True)
    torch.testing.assert_close(weights(tmp_path / "parts"), weights(tmp_path / "whole"), rtol=0, atol=0)
    entries = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert all(entry["dense"] > 0 for entry in entries if entry["kind"] == "train")
    net = load_model(tmp_path / "whole" / "last.safetensors")
    assert net.config.dense is False
    assert not any("dense" in name or name.startswith(("net.", "out.")) for name in net.state_dict())
    # A network without the head starts one with it, and the other way round.
    again = dense_trainer(tmp_path / "again", init_from=str(tmp_path / "whole"), steps=1, valid_every=1)
    again.start()
    torch.testing.assert_close(again.model.state_dict(), weights(tmp_path / "whole"), rtol=0, atol=0)


def test_dense_targets_train_the_convolutions_and_are_learnt(tmp_path):
    quick = {"augment": AugmentSpec(probability=0), "optim": OptimSpec(peak=1e-2)}
    recipe = dense_recipe(steps=60).model_copy(update=quick)
    run = Trainer(recipe, tmp_path, open_direct_tones, open_direct_tones)
    run.start()
    batch = next(run._batches())
    before = run.model.stem[0].weight.detach().clone()
    seen = [float(run.train_step(batch).dense) for _ in range(60)]
    assert not torch.equal(run.model.stem[0].weight, before)
    assert sum(seen[-5:]) < 0.7 * sum(seen[:5])


def test_mixed_clips_have_the_dense_loss_of_both(tmp_path):
    run = dense_trainer(tmp_path)
    run.start()
    batch = next(run._batches()).to(run.device)
    torch.nn.init.normal_(run._trained.head.out.weight)
    raw = run._trained.eval()(batch.features)
    share, partner = 0.7, torch.tensor([1, 0, 3, 2])
    mixed = run._score(raw, batch, SimpleNamespace(mixes=True, share=share, partner=partner.numpy()))
    own, other = run._score_clips(raw, batch, slice(None)), run._score_clips(raw, batch, partner)
    assert mixed.dense.item() == pytest.approx(share * own.dense.item() + (1 - share) * other.dense.item())
    assert own.dense != other.dense
