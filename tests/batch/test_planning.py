from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.batch.planning import Plan, plan


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def names(todo: Plan, out: Path) -> dict[str, str]:
    return {job.source.name: job.target.relative_to(out).as_posix() for job in todo.jobs}


def test_links_give_their_own_name_to_results(tmp_path: Path) -> None:
    touch(tmp_path, "store/0a1b2c.wav", "in/plain.wav")
    (tmp_path / "in" / "interview.wav").symlink_to(tmp_path / "store" / "0a1b2c.wav")
    assert names(plan([tmp_path / "in"], tmp_path / "out"), tmp_path / "out") == {
        "interview.wav": "interview", "plain.wav": "plain",
    }  # fmt: skip


def test_a_folder_that_is_input_and_output_keeps_both(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "a.earwitness.mp4", "a.player.mp4", "deep/b.wav")
    assert names(plan([tmp_path], tmp_path), tmp_path) == {"a.mp4": "a", "b.wav": "b"}


def test_what_is_left_out_is_in_the_plan(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "notes.md", ".b.wav")
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    todo = plan([tmp_path], tmp_path / "out")
    assert len(todo.problems) == 1
    assert len(todo.left_out) == 2


def test_an_empty_input_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.wav")
    monkeypatch.chdir(tmp_path)
    todo = plan(["", "~none/x.wav", "a.wav"], tmp_path / "out")
    assert [job.source.name for job in todo.jobs] == ["a.wav"]
    assert len(todo.failures) == 2


def targets(inputs: list[Path], out: Path) -> dict[str, str]:
    return {job.source.name: job.target.relative_to(out).as_posix() for job in plan(inputs, out).jobs}


def test_the_same_file_twice_is_one_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "x.wav")
    monkeypatch.chdir(tmp_path)
    assert len(plan(["x.wav", tmp_path, "./x.wav", "*.wav"], tmp_path / "out").jobs) == 1


def test_earlier_results_are_no_input(tmp_path: Path) -> None:
    touch(tmp_path, "x.mp4", "out/x.earwitness.mp4")
    assert targets([tmp_path], tmp_path / "out") == {"x.mp4": "x"}
    assert len(plan([tmp_path / "out" / "x.earwitness.mp4"], tmp_path / "out").jobs) == 1


def test_inputs_that_name_nothing_are_failures_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path, "x.wav", "docs/readme.txt")
    todo = plan([tmp_path / "none.mp4", tmp_path / "docs", tmp_path / "x.wav"], tmp_path / "out")
    assert [job.source.name for job in todo.jobs] == ["x.wav"]
    assert [failure.source.name for failure in todo.failures] == ["none.mp4", "docs"]
    assert all("\n" not in failure.reason and str(failure.source) in failure.reason for failure in todo.failures)
