from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from earwitness.core.errors import EncodingError
from earwitness.core.files.atomic import atomic_file, atomic_folder, remove_partial_files
from folders import files_up_to

HANGING = """
import sys, time
from pathlib import Path
from earwitness.core.files.atomic import atomic_file
with atomic_file(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print(temporary, flush=True)
    time.sleep(60)
"""


def unfinished(path: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that is writing `path`, and its temporary file."""
    process = subprocess.Popen([sys.executable, "-c", HANGING, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def left_by_a_killed_process(path: Path) -> Path:
    process, temporary = unfinished(path)
    kill(process)
    assert temporary.read_text() == "half"
    return temporary


@pytest.mark.parametrize("stem", ["m" * 251, "é" * 125, "short"])
def test_a_name_as_long_as_names_can_be_is_written(tmp_path: Path, stem: str) -> None:
    path = tmp_path / f"{stem}.csv"
    with atomic_file(path) as temporary:
        assert temporary.suffix == ".csv"
        temporary.write_text("x")
        assert not path.exists()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_name_that_is_too_long_says_what_to_do_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="shorter name"), atomic_file(tmp_path / ("m" * 252 + ".csv")):
        pytest.fail("the work began")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    mine = {
        ".my.notes.4711.part.txt", ".x.99999999.part.csv", ".earwitness-notes.partial", "new.csv", "owner",
        f".earwitness-{'0' * 32}.partial/new.csv", f".earwitness-{'1' * 32}.partial/owner", ".new/owner",
    }  # fmt: skip
    for name in mine:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a user's")
    left = left_by_a_killed_process(tmp_path / "a.csv")
    (tmp_path / f".earwitness-{'2' * 32}.partial").mkdir()
    # A record that was copied together with its name's folder, under another name, names no such place.
    copy = tmp_path / f".earwitness-{'3' * 32}.partial"
    copy.mkdir()
    (copy / "owner").write_bytes((left.parent / "owner").read_bytes())
    (copy / "new.csv").write_text("a user's")
    remove_partial_files(tmp_path)
    assert not left.parent.exists()
    assert all((tmp_path / name).read_text() == "a user's" for name in mine)
    assert (copy / "new.csv").exists()


def test_what_a_user_put_beside_an_unfinished_file_stays(tmp_path: Path) -> None:
    left = left_by_a_killed_process(tmp_path / "a.csv")
    (left.parent / "thesis.tex").write_text("a user's")
    remove_partial_files(tmp_path)
    assert [path.name for path in left.parent.iterdir()] == ["thesis.tex"]


def test_what_a_process_is_writing_stays_whatever_machine_it_says_it_is_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, temporary = unfinished(tmp_path / "a.csv")
    try:
        remove_partial_files(tmp_path)
        assert temporary.exists()
        monkeypatch.setattr("earwitness.core.files.lock._machine", lambda: ("other", "other/1", "another start"))
        remove_partial_files(tmp_path)
        assert temporary.exists()
    finally:
        kill(process)
    remove_partial_files(tmp_path)
    assert temporary.exists(), "another machine cannot know that the process was killed"


@pytest.mark.parametrize(
    ("here", "removed"),
    [
        (("box", "box/1", "s1"), True),
        (("twin", "twin/1", "s1"), True),  # another container: the same system says that the lock is free
        (("box", "box/1", "s2"), True),  # started again since
        (("other", "other/2", "s2"), False),
        (("box", "box/2", ""), False),
    ],
)
def test_whose_unfinished_files_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: tuple[str, str, str], removed: bool
) -> None:
    monkeypatch.setattr("earwitness.core.files.lock._machine", lambda: ("box", "box/1", "s1"))
    monkeypatch.setattr("earwitness.core.files.atomic._clear", lambda place: None)
    with atomic_file(tmp_path / "a.csv") as temporary:
        temporary.write_text("x")
    monkeypatch.undo()
    (left,) = tmp_path.glob(".earwitness-*")
    monkeypatch.setattr("earwitness.core.files.lock._machine", lambda: here)
    remove_partial_files(tmp_path)
    assert left.exists() is not removed


@pytest.mark.parametrize("locks", [True, False])
def test_without_locks_of_the_system_the_process_number_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    if not locks:
        monkeypatch.setattr("earwitness.core.files.atomic.try_lock", lambda _: None)
    process, temporary = unfinished(tmp_path / "a.csv")
    remove_partial_files(tmp_path)
    assert temporary.exists()
    kill(process)
    remove_partial_files(tmp_path)
    assert not temporary.exists()


def test_places_that_were_never_begun_are_cleared_away_later(tmp_path: Path) -> None:
    for digit, age in (("4", 2 * 3600), ("5", 60)):
        place = tmp_path / f".earwitness-{digit * 32}.partial"
        place.mkdir()
        os.utime(place, (time.time() - age,) * 2)
    remove_partial_files(tmp_path)
    assert [path.name[12] for path in tmp_path.iterdir()] == ["5"]


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.csv"
    path.write_text("before")

    def write() -> None:
        with atomic_file(path) as temporary:
            temporary.write_bytes(bytes(10_000))

    with files_up_to(size), pytest.raises(EncodingError, match=r"a\.csv: cannot be written \(File too large\)"):
        write()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.csv", "before")]


def test_a_folder_that_goes_away_meanwhile_is_named(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_file(tmp_path / "out" / "a.csv") as temporary:
            shutil.rmtree(tmp_path / "out")
            temporary.write_text("x")

    with pytest.raises(EncodingError, match="its folder was deleted"):
        write()


@pytest.mark.parametrize("name", ["/dev/null", "/dev/stdout", "."])
def test_devices_and_folders_are_not_replaced(name: str) -> None:
    with pytest.raises(EncodingError, match="name a file"), atomic_file(Path(name)):
        pytest.fail("the work began")


def test_a_folder_replaces_the_former_one_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "pools" / "pool"
    for text in ("first", "second"):
        with atomic_folder(target) as temporary:
            (temporary / "sub").mkdir()
            (temporary / "sub" / text).write_text(text)
        assert [path.name for path in (target / "sub").iterdir()] == [text]
        assert [path.name for path in target.parent.iterdir()] == ["pool"]


def test_a_failed_folder_leaves_the_former_one(tmp_path: Path) -> None:
    target = tmp_path / "pool"
    target.mkdir()
    (target / "data").write_text("former")

    def fail() -> None:
        with atomic_folder(target) as temporary:
            (temporary / "data").write_text("half")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["pool"]
    assert (target / "data").read_text() == "former"


def test_the_unfinished_folder_of_a_killed_process_is_deleted(tmp_path: Path) -> None:
    program = HANGING.replace("atomic_file", "atomic_folder").replace(
        "temporary.write_text", "(temporary / 'x').write_text"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "pool")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        temporary = Path(process.stdout.readline().strip())
        remove_partial_files(tmp_path)
        assert (temporary / "x").read_text() == "half"
        process.kill()
    remove_partial_files(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("when", ["mkdir", "open", "unlink", "rmdir"])
def test_nothing_is_left_whenever_ctrl_c_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    place = os if when == "open" else Path
    function, interrupted = getattr(place, when), []

    def interrupt(*arguments: object, **options: object) -> object:
        ours = ".partial" in str(arguments[0]) and not interrupted
        result = function(*arguments, **options) if when in ("mkdir", "open") or not ours else None
        if ours:
            interrupted.append(when)
            if when == "open":
                os.close(result)
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(place, when, interrupt)
    with pytest.raises(KeyboardInterrupt), atomic_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
    monkeypatch.undo()
    assert interrupted == [when]
    assert [path for path in tmp_path.iterdir() if path.name != "a.txt"] == []
