from __future__ import annotations

import os
from pathlib import Path

from earwitness.core.files.walk import Walk


def walked(top: Path) -> Walk:
    walk = Walk({".wav"})
    walk.search_folder(top)
    return walk


def names(walk: Walk, top: Path) -> list[str]:
    return [path.relative_to(top).as_posix() for path in walk.files]


def test_files_are_found_by_extension_at_any_depth(tmp_path: Path) -> None:
    for name in ("a.wav", "sub/deep/B.WAV", "sub/c.txt", ".hidden.wav", ".folder/d.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    walk = walked(tmp_path)
    assert names(walk, tmp_path) == ["a.wav", "sub/deep/B.WAV"]
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
    assert names(walk, tmp_path) == ["real/a.wav"]
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
    assert names(walk, tmp_path) == ["a1.wav", "a2/b.wav"]
    walk = Walk({".wav"})
    walk.search_glob(tmp_path / "**" / "*.wav")
    assert sorted(names(walk, tmp_path)) == ["a1.wav", "a2/b.wav", "c.wav"]
