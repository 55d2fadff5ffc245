from __future__ import annotations

import os
from pathlib import Path

import pytest

from earwitness.batch.planning import Plan, plan


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def targets(inputs: list[Path], out: Path) -> dict[str, str]:
    return {job.source.name: job.target.relative_to(out).as_posix() for job in plan(inputs, out).jobs}


def test_results_are_named_after_their_files(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.mp4", "in/take.1.wav")
    out = tmp_path / "out"
    assert targets([tmp_path / "in"], out) == {"a.mp4": "a", "take.1.wav": "take.1"}
    job = plan([tmp_path / "in" / "take.1.wav"], out).jobs[0]
    assert job.result(".csv") == out / "take.1.csv"


def test_equal_names_in_several_folders_keep_their_folders(tmp_path: Path) -> None:
    touch(tmp_path, "in/a/x.mp4", "in/b/x.mp4", "in/b/y.mp4")
    todo = plan([tmp_path / "in"], tmp_path / "out")
    assert {job.target.relative_to(tmp_path / "out").as_posix() for job in todo.jobs} == {"a/x", "b/x", "y"}
    assert todo.clashes == ("x",)


def test_equal_names_in_one_folder_keep_their_suffix(tmp_path: Path) -> None:
    touch(tmp_path, "x.mp4", "x.wav", "z.wav")
    assert targets([tmp_path], tmp_path / "out") == {"x.mp4": "x.mp4", "x.wav": "x.wav", "z.wav": "z"}


def test_every_file_has_its_own_target_whatever_the_case(tmp_path: Path) -> None:
    touch(tmp_path, "a/X.wav", "a/x.mp4", "b/x.wav", "b/c/x.wav", "x.flac")
    found = [str(job.target).casefold() for job in plan([tmp_path], tmp_path / "out").jobs]
    assert len(set(found)) == len(found) == 5


def names(todo: Plan, out: Path) -> dict[str, str]:
    return {job.source.name: job.target.relative_to(out).as_posix() for job in todo.jobs}


def test_no_two_files_have_one_name_whatever_they_are_called(tmp_path: Path) -> None:
    touch(
        tmp_path, "x.mp4", "x.wav", "x.mp4.mkv", "X.WAV", "X.wav", "a/x.wav", "a/b/x.wav", "é.wav", "e\u0301.wav",
        "x.wav.mp4", "a/x.mp4", "noext/x.wav", "straße.wav", "STRASSE.wav",
    )  # fmt: skip
    todo = plan([tmp_path], tmp_path / "out")
    assert len({str(job.target).casefold() for job in todo.jobs}) == len(todo.jobs) == 14
    assert len({os.path.normcase(job.result(".json")) for job in todo.jobs}) == 14
    again = plan(sorted((str(file) for file in tmp_path.rglob("*.*")), reverse=True), tmp_path / "out")
    assert {job.source: job.target for job in again.jobs} == {job.source: job.target for job in todo.jobs}


@pytest.mark.parametrize("stem", ["m" * 251, "é" * 125, "m" * 245, "日" * 83])
def test_the_longest_names_leave_room_for_what_results_end_in(tmp_path: Path, stem: str) -> None:
    touch(tmp_path, f"{stem}.wav", f"{stem[:-1]}.wav")
    for suffixes in ([".csv", ".json"], [".csv", ".audacity.txt", ".earwitness.mp4"]):
        todo = plan([tmp_path], tmp_path / "out", suffixes)
        found = {job.source.stem: job.target.name for job in todo.jobs}
        assert len(set(found.values())) == 2
        for target in found.values():
            assert max(len(os.fsencode(target + suffix)) for suffix in suffixes) <= 255
        fits = len(os.fsencode(stem)) + max(map(len, suffixes)) <= 255
        assert (found[stem] == stem) is fits
        assert not todo.clashes
