from __future__ import annotations

import logging
import pickle
from pathlib import Path

import pytest
import torch

from earwitness.core.errors import TrainingError
from earwitness.training.loop.training_state import TrainingState, check_same_run, write_start
from fakes import tiny_recipe


def state(step: int) -> TrainingState:
    tensors = {"w": torch.full((3,), float(step))}
    return TrainingState(step, 0.5, tensors, tensors, {"state": {}, "param_groups": []})


class Hostile:
    """A pickle that would leave a file behind when it is opened carelessly."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        import os

        return os.system, (f"touch {self.mark}",)  # type: ignore[return-value]


def test_a_state_that_cannot_be_written_leaves_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state(1).save(tmp_path)

    def full(*_: object) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(TrainingError, match="free some disk space, then continue with --resume"):
        state(2).save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["state-00000001.pt"]
    (tmp_path / "state-00000001.pt").unlink()
    with pytest.raises(TrainingError, match="free some disk space, then start it again: no training state"):
        state(2).save(tmp_path)


def test_the_newest_state_comes_back(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        state(step).save(tmp_path)
    again = TrainingState.latest(tmp_path)
    assert again is not None
    assert again.step == 3
    assert torch.equal(again.model["w"], torch.full((3,), 3.0))
    assert len(list(tmp_path.glob("state-*.pt"))) == 2
    assert TrainingState.latest(tmp_path / "none") is None


def test_a_hostile_pickle_is_refused_by_name_and_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "owned"
    (tmp_path / "state-00000009.pt").write_bytes(pickle.dumps(Hostile(mark), protocol=2))
    with pytest.raises(TrainingError, match=r"state-00000009.pt: .*system"):
        TrainingState.latest(tmp_path)
    torch.save({"step": Hostile(mark)}, tmp_path / "state-00000010.pt")
    with pytest.raises(TrainingError, match=r"state-00000010.pt: .*system"):
        TrainingState.latest(tmp_path)
    assert not mark.exists()


def test_an_older_state_is_taken_where_the_newest_is_torn_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state(1).save(tmp_path)
    state(2).save(tmp_path)
    newest = tmp_path / "state-00000002.pt"
    newest.write_bytes(newest.read_bytes()[:200])
    with caplog.at_level(logging.WARNING):
        again = TrainingState.latest(tmp_path)
    assert again is not None
    assert again.step == 1
    assert "state-00000002.pt" in caplog.text
    assert "step 1" in caplog.text


def test_no_state_that_can_be_read(tmp_path: Path) -> None:
    for junk in (b"", b"junk", b"PK\x03\x04junk", b"\x80\x02c\xff\xfe\n"):
        (tmp_path / "state-00000001.pt").write_bytes(junk)
        with pytest.raises(TrainingError, match="without --resume"):
            TrainingState.latest(tmp_path)


@pytest.fixture
def run(tmp_path):
    write_start(tmp_path, tiny_recipe(), {})
    return tmp_path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 9}, r"run\.steps was 6 and is 9"),
        ({"seed": 5}, r"run\.seed was 0 and is 5"),
        ({"batch": 8}, r"run\.batch was 4 and is 8"),
        ({"init_from": None, "precision": "bf16"}, r"run\.precision was fp32 and is bf16"),
    ],
)
def test_other_steps_or_seeds_are_refused_with_the_reason(run, change, message):
    with pytest.raises(TrainingError, match=message):
        check_same_run(run, tiny_recipe(**change), {})


def test_says_how_to_go_on_otherwise(run):
    with pytest.raises(TrainingError, match=r"run\.init_from="):
        check_same_run(run, tiny_recipe(steps=9), {})


def test_what_changes_no_result_may_change(run):
    check_same_run(run, tiny_recipe(workers=2, log_every=3, save_every=1, tensorboard=True, threads=2), {})
    check_same_run(run, tiny_recipe(), {})
