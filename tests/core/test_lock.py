from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from earwitness.core.errors import EncodingError, InUseError
from earwitness.core.files.lock import LOCK_NAME, Owner, locked_file, locked_folder

HOLDING = """
import sys, time
from pathlib import Path
from earwitness.core.files.lock import locked_folder
with locked_folder(Path(sys.argv[1]), "earwitness train"):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDING, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "held"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_the_second_is_told_at_once_who_is_there(tmp_path: Path) -> None:
    process = holder(tmp_path / "run")
    try:
        with pytest.raises(InUseError) as refused, locked_folder(tmp_path / "run", "earwitness detect"):
            pytest.fail("both hold it")
    finally:
        kill(process)
    assert f"in use by earwitness train (process {process.pid} on {os.uname().nodename}, since 2" in str(refused.value)
    assert "\n" not in str(refused.value)
    with locked_folder(tmp_path / "run", "earwitness train"):  # a killed process holds nothing
        pass


def test_one_process_cannot_hold_a_folder_twice(tmp_path: Path) -> None:
    with locked_folder(tmp_path, "a"), pytest.raises(InUseError), locked_folder(tmp_path, "b"):
        pytest.fail("both hold it")


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with locked_folder(tmp_path / "new" / "run", "a"):
        assert (tmp_path / "new" / "run" / LOCK_NAME).is_file()
    assert not (tmp_path / "new" / "run").exists()
    with locked_folder(tmp_path / "kept", "a"):
        (tmp_path / "kept" / "result").touch()
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["result"]
    with pytest.raises(ZeroDivisionError), locked_folder(tmp_path / "kept", "a"):
        _ = 1 // 0
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["result"]


@pytest.mark.parametrize("record", [b"", b"junk", b"{}", b"[1]", b"\xff" * 100, b'{"token": 3}', b"[" * 4096])
def test_a_lock_file_that_nobody_holds_and_that_names_nobody_is_taken(tmp_path: Path, record: bytes) -> None:
    (tmp_path / LOCK_NAME).write_bytes(record)
    with locked_folder(tmp_path, "a"):
        assert Owner.parse((tmp_path / LOCK_NAME).read_bytes()) is not None


@pytest.mark.parametrize(
    ("here", "taken"),
    [(("box", "box/1", "s1"), True), (("box", "box/1", "s2"), True), (("other", "other/2", "s2"), False)],
)
def test_a_lock_of_another_machine_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: tuple[str, str, str], taken: bool
) -> None:
    monkeypatch.setattr("earwitness.core.files.lock._machine", lambda: ("box", "box/1", "s1"))
    record = Owner.here("0", "earwitness synthesize").record()
    (tmp_path / LOCK_NAME).write_bytes(record)
    monkeypatch.setattr("earwitness.core.files.lock._machine", lambda: here)
    if taken:
        with locked_folder(tmp_path, "a"):
            return
    told = rf"earwitness synthesize .* on box, .*delete .*{LOCK_NAME}"
    with pytest.raises(InUseError, match=told), locked_folder(tmp_path, "a"):
        pytest.fail("it was taken")
    assert (tmp_path / LOCK_NAME).read_bytes() == record


def test_without_locks_of_the_system_the_record_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = holder(tmp_path)
    monkeypatch.setattr("earwitness.core.files.lock.try_lock", lambda _: None)
    try:
        with pytest.raises(InUseError, match="earwitness train"), locked_folder(tmp_path, "a"):
            pytest.fail("both hold it")
    finally:
        kill(process)
    with locked_folder(tmp_path, "a"):
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_children_of_a_fork_do_not_keep_it(tmp_path: Path) -> None:
    script = HOLDING.replace("    print", "    import os\n    os.fork() or time.sleep(60)\n    print")
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        process.kill()
        process.wait()
        end = time.monotonic() + 30  # a child that has just begun closes the file as soon as it runs
        while True:
            try:
                with locked_folder(tmp_path, "a"):
                    break
            except InUseError:
                assert time.monotonic() < end
                time.sleep(0.05)
    finally:
        os.killpg(process.pid, 9)
        process.communicate()


def test_files_are_held_by_name(tmp_path: Path) -> None:
    path = tmp_path / ("m" * 250 + ".onnx")
    with locked_file(path, "a"), locked_file(tmp_path / "other.onnx", "b"), pytest.raises(InUseError, match="mmm"):
        locked_file(path, "c").__enter__()
    assert list(tmp_path.iterdir()) == []


def test_whoever_comes_while_it_is_given_back_waits_for_no_one(tmp_path: Path) -> None:
    """Many processes that take turns: never two at a time, and the lock file never stands in the way."""
    script = (
        "import sys, time, os\nfrom pathlib import Path\nfrom earwitness.core.files.lock import locked_folder\n"
        "from earwitness.core.errors import InUseError\nout = Path(sys.argv[1])\nhad = 0\n"
        "while had < 20:\n    try:\n        with locked_folder(out, 'a'):\n"
        "            os.close(os.open(out / 'one', os.O_CREAT | os.O_EXCL)); (out / 'one').unlink(); had += 1\n"
        "    except InUseError: time.sleep(0.001)\n"
    )
    crowd = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(3)]
    began = time.monotonic()
    assert [process.wait(timeout=60) for process in crowd] == [0, 0, 0]
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("size", [0, 10])
def test_a_full_disk_is_told_and_left_as_it_was(tmp_path: Path, size: int) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        for folder in (tmp_path, tmp_path / "new"):
            with pytest.raises(EncodingError, match="cannot be written"):
                locked_folder(folder, "a").__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EncodingError, match="cannot be written"), locked_folder(tmp_path / "file", "a"):
        pytest.fail("it was taken")
    (tmp_path / LOCK_NAME).mkdir()
    with pytest.raises(EncodingError, match="cannot be written"), locked_folder(tmp_path, "a"):
        pytest.fail("it was taken")


def test_a_record_is_read_back() -> None:
    owner = Owner.here("token", "earwitness train")
    assert Owner.parse(owner.record()) == owner
    assert "earwitness train" in str(owner)
    assert str(os.getpid()) in str(owner)


@pytest.mark.parametrize("record", [b"", b"[]", b"{}", b"\xff\xfe", b'{"token": 1}', b"[" * 5000])
def test_other_contents_are_no_record(record: bytes) -> None:
    assert Owner.parse(record) is None


def test_a_running_process_is_not_gone_and_an_ended_one_is() -> None:
    here = Owner.here("token")
    assert not here.is_gone(unlocked=False)
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    if here.boot:
        assert replace(here, process=process.pid, started="1").is_gone(unlocked=False)


def test_a_reused_pid_is_another_process() -> None:
    here = Owner.here("token")
    if not (here.boot and here.started):
        pytest.skip("this system has no boot id or start times")
    assert replace(here, started="1").is_gone(unlocked=False)


def test_nothing_is_certain_about_another_machine() -> None:
    other = replace(Owner.here("token"), machine="other/1", boot="other", namespace="other")
    assert not other.is_gone(unlocked=True)
    assert not other.is_gone(unlocked=False)
