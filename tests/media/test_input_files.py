from __future__ import annotations

import os
from pathlib import Path

import pytest

from earwitness.core.errors import MediaError
from earwitness.media.input_files import find_media


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a.MOV", "deep/er/c.wav", "deep/notes.txt", ".hidden/d.mp4", "deep/._e.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "void").mkdir()
    return tmp_path


def names(files: list[Path], root: Path) -> list[str]:
    return [file.relative_to(root).as_posix() for file in files]


def test_folders_are_searched_and_sorted(tree: Path) -> None:
    assert names(find_media([tree]), tree) == ["a.MOV", "b.mp4", "deep/er/c.wav"]


def test_files_count_once_and_keep_their_order(tree: Path) -> None:
    found = find_media([tree / "deep" / "notes.txt", str(tree / "b.mp4"), tree])
    assert names(found, tree) == ["deep/notes.txt", "b.mp4", "a.MOV", "deep/er/c.wav"]


def test_globs(tree: Path) -> None:
    assert names(find_media([f"{tree}/*.m*"]), tree) == ["b.mp4"]
    assert names(find_media([f"{tree}/**/*.wav"]), tree) == ["deep/er/c.wav"]
    assert names(find_media([f"{tree}/dee?"]), tree) == ["deep/er/c.wav"]


def test_a_name_with_brackets_is_a_file_if_there_is_one(tree: Path) -> None:
    (tree / "x[1].mp4").touch()
    assert names(find_media([tree / "x[1].mp4"]), tree) == ["x[1].mp4"]


@pytest.mark.parametrize("name", ["void", "none.mp4", "*.xyz", "deep/*.txt"])
def test_nothing_found_says_so(tree: Path, name: str) -> None:
    with pytest.raises(MediaError, match=r"void|none|xyz|txt"):
        find_media([tree / name])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_for_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    for given in (tmp_path / "pipe.wav", "-"):
        with pytest.raises(MediaError, match="read only once; save it as a file first"):
            find_media([given])


def test_links_in_a_circle_are_walked_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.wav").write_bytes(b"x")
    (tmp_path / "deep" / "up").symlink_to(tmp_path)
    (tmp_path / "deep" / "self.wav").symlink_to(tmp_path / "deep" / "self.wav")
    (tmp_path / "deep" / "dangling.wav").symlink_to(tmp_path / "nowhere.wav")
    assert find_media([tmp_path]) == [tmp_path / "deep" / "a.wav"]
