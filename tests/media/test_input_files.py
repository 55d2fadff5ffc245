from __future__ import annotations

import os
from pathlib import Path

import pytest

from earwitness.core.errors import MediaError
from earwitness.media.input_files import Found, Walk, find_media, search


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


def test_a_file_whose_name_begins_with_a_tilde_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("~clip.wav", "~root", "~", "home/a.wav", "home/~b.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("~clip.wav", "~root", "~"):
        assert find_media([name]) == [Path(name)]
    assert find_media(["~cl*.wav"]) == [Path("~clip.wav")]
    assert find_media(["~/a.wav", "~/*.wav"]) == [tmp_path / "home" / "a.wav", tmp_path / "home" / "~b.wav"]
    with pytest.raises(MediaError, match="no such file"):
        find_media(["~nobody-of-that-name/x.wav"])


def test_an_empty_name_is_not_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.wav").touch()
    with pytest.raises(MediaError, match="name is empty"):
        find_media([""])
    assert find_media(["."]) == [Path("a.wav")]


@pytest.mark.parametrize("name", ["m" * 300 + ".wav", "a.wav/b.wav", "x/" * 3000, "\ud800", "a\0b"])
def test_names_that_no_file_can_have_are_told_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.wav").touch()
    with pytest.raises(MediaError) as told:
        find_media([f"{tmp_path}/{name}"])
    assert len(str(told.value).splitlines()) == 1


def test_linked_folders_are_searched_once_by_their_real_name_where_they_have_one(tmp_path: Path) -> None:
    for name in ("in/real/a.wav", "elsewhere/b.wav", "elsewhere/deep/c.wave"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    top = tmp_path / "in"
    for name, leads_to in (
        ("again", top / "real"), ("other", tmp_path / "elsewhere"), ("other2", tmp_path / "elsewhere"),
        ("real/up", top), ("real/out", tmp_path), ("self", top / "self"), ("gone", tmp_path / "gone"),
    ):  # fmt: skip
        (top / name).symlink_to(leads_to)
    found = search(top)
    assert names(list(found.files), top) == ["other/b.wav", "other/deep/c.wave", "real/a.wav"]
    assert found.problems == (
        f"{top}: skipped 2 broken links: {top / 'gone'}, {top / 'self'}",
        f"{top}: skipped 1 link to a parent folder: {top / 'real' / 'out'}",
    )


def test_what_is_left_out_is_told(tree: Path) -> None:
    (tree / "pipe.wav").symlink_to("/dev/null")
    found = search(tree)
    assert found.problems == (f"{tree}: skipped 1 pipe or device: {tree / 'pipe.wav'}",)
    assert found.left_out == (
        f"{tree}: skipped 1 file with another extension (.txt); name a file directly to include it",
        f"{tree}: skipped 1 hidden file; name a file directly to include it",
    )
    assert search(tree / "b.mp4") == Found((tree / "b.mp4",), outright=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everybody's folders can be read")
def test_a_folder_that_cannot_be_read_is_told(tree: Path) -> None:
    (tree / "void").chmod(0)
    assert "cannot be read" in search(tree).problems[0]
    (tree / "void").chmod(0o700)


@pytest.mark.parametrize("pattern", ["*.wav", "**/*.wav", "*", "**", "l*/*/*/*.wav", "**/**/*.wav"])
def test_globs_end_whatever_links_there_are(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "self.wav").symlink_to(tmp_path / "self.wav")
    (tmp_path / "gone.wav").symlink_to(tmp_path / "gone")
    for number in range(6):  # "**" of the standard library goes 6^40 ways
        (tmp_path / f"link{number}").symlink_to(tmp_path)
    found = search(f"{tmp_path}/{pattern}")
    assert {file.resolve() for file in found.files} == {tmp_path / "a.wav"}
    assert "broken" in found.problems[0]


def test_a_glob_of_dead_links_alone_says_so(tmp_path: Path) -> None:
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nothing")
    with pytest.raises(MediaError, match=r"matches no video or audio file; skipped 1 broken link"):
        search(f"{tmp_path}/*.wav")
    with pytest.raises(MediaError, match=r"is a broken link to .*nothing; fix the link"):
        search(tmp_path / "gone.wav")


@pytest.mark.parametrize("suffix", [".wave", ".WAVE", ".caf", ".aac", ".wma", ".w64", ".ac3", ".bwf", ".mp2", ".Opus"])
def test_suffixes(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").touch()
    assert find_media([tmp_path]) == [tmp_path / f"a{suffix}"]


def test_hidden_names_in_globs(tree: Path) -> None:
    assert names(find_media([f"{tree}/.hid*/*.mp4"]), tree) == [".hidden/d.mp4"]
    with pytest.raises(MediaError):
        find_media([f"{tree}/*/d.mp4"])


def walked(top: Path) -> Walk:
    walk = Walk({".wav"})
    walk.search_folder(top)
    return walk


def test_files_are_found_by_extension_at_any_depth(tmp_path: Path) -> None:
    for name in ("a.wav", "sub/deep/B.WAV", "sub/c.txt", ".hidden.wav", ".folder/d.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    walk = walked(tmp_path)
    assert names(walk.files, tmp_path) == ["a.wav", "sub/deep/B.WAV"]
    assert walk.others == {".txt": 1}
    assert walk.hidden == 1


def test_linked_folders_are_searched_once_and_loops_are_reported(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.wav").touch()
    (tmp_path / "again").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "up").symlink_to(tmp_path)
    (tmp_path / "broken.wav").symlink_to(tmp_path / "missing.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    walk = walked(tmp_path)
    assert names(walk.files, tmp_path) == ["real/a.wav"]
    assert walk.loops == []  # its target was searched already
    assert walked(tmp_path / "real").loops == [tmp_path / "real" / "up"]
    assert walk.dead == [tmp_path / "broken.wav"]
    assert walk.special == [tmp_path / "pipe.wav"]


def test_a_pattern_matches_files_and_folders_once(tmp_path: Path) -> None:
    for name in ("a1.wav", "a2/b.wav", "c.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    walk = Walk({".wav"})
    walk.search_glob(tmp_path / "a*")
    assert names(walk.files, tmp_path) == ["a1.wav", "a2/b.wav"]
    walk = Walk({".wav"})
    walk.search_glob(tmp_path / "**" / "*.wav")
    assert sorted(names(walk.files, tmp_path)) == ["a1.wav", "a2/b.wav", "c.wav"]
