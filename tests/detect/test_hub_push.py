from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.detect.detector import Detector
from hub import METER, READER, WRITER, Hub, Repo, can_push
from in_process import Command


def test_pushing_needs_a_token_a_model_and_a_free_repository(
    the_hub: Hub, earwitness: Command, meter_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    can_push(monkeypatch)
    no_token = earwitness("models", "push", METER, meter_model)
    assert (no_token.code, no_token.err.count("\n")) == (2, 1)
    assert "HF_TOKEN" in no_token.err
    monkeypatch.setenv("HF_TOKEN", READER)
    refused = earwitness("models", "push", meter_model, METER)
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "the token may not write there" in refused.err
    monkeypatch.setenv("HF_TOKEN", WRITER)
    assert "no such model file" in earwitness("models", "push", "none.onnx", METER).err
    assert "a commit cannot be changed" in earwitness("models", "push", meter_model, f"{METER}@{'a' * 40}").err
    the_hub.repos["ear/meter"] = Repo()
    the_hub.repos["ear/meter"].commit("main", {"README.md": b"# something else\n"})
    assert "push to another one" in earwitness("models", "push", meter_model, METER).err
    assert (the_hub.repos["ear/meter"].files("main") or {})["README.md"] == b"# something else\n"
    done = earwitness("models", "push", meter_model, "hf:ear/other@dev", "--private")
    assert done.code == 0, done.err
    other = the_hub.repos["ear/other"]
    assert other.private
    assert "model.onnx" in (other.files("dev") or {})
    assert "model.onnx" not in (other.files("main") or {})
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    unreachable = earwitness("models", "push", meter_model, METER)
    assert (unreachable.code, unreachable.err.count("\n")) == (1, 1)
    assert "nothing was pushed" in unreachable.err


def test_a_second_push_removes_what_the_first_one_had(
    the_hub: Hub, earwitness: Command, meter_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    can_push(monkeypatch)
    monkeypatch.setenv("HF_TOKEN", WRITER)
    checkpoint = Path("last.safetensors")
    checkpoint.write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    assert earwitness("models", "push", meter_model, METER, "--checkpoint", checkpoint).code == 0
    pulled = earwitness("models", "pull", METER)
    assert f"run.init_from={METER}" in pulled.out
    assert earwitness("models", "push", meter_model, METER).code == 0
    assert "model.safetensors" not in (the_hub.repos["ear/meter"].files("main") or {})
    assert "run.init_from=" not in earwitness("models", "pull", METER).out
    assert earwitness("models", "push", meter_model, METER, "--checkpoint", "a.pth").code == 2


def test_ensembles_are_shared_too(the_hub: Hub, earwitness: Command, meter_model: Path) -> None:
    made = earwitness("ensemble", meter_model, f"mirror:{meter_model}", "--out", "both.ensemble")
    assert made.code == 0, made.err
    assert earwitness("models", "card", "both.ensemble", "--out", "folder", "--for", "hf:ear/both").code == 0
    repo = the_hub.repos["ear/both"] = Repo()
    repo.commit("main", {path.name: path.read_bytes() for path in Path("folder").iterdir()})
    assert earwitness("models", "pull", "hf:ear/both").code == 0
    assert len(Detector.load("hf:ear/both").card.thresholds) == 13


def test_the_folder_of_a_card_is_not_mixed_with_other_files(
    earwitness: Command, the_hub: Hub, meter_model: Path
) -> None:
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("x")
    done = earwitness("models", "card", meter_model, "--out", "mine")
    assert (done.code, "holds other files" in done.err) == (1, True)
    assert earwitness("models", "card", meter_model, "--out", "new").code == 0
    assert earwitness("models", "card", meter_model, "--out", "new").code == 0  # again
    assert "hf:USER/NAME" in Path("new/README.md").read_text()
