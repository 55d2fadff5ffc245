from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.core.errors import LabelError
from earwitness.data.dcase.layout import ClipName, scan, walk_files

NAME = "fold3_room21_mix001_deg040_start0010"


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_names_are_parsed_and_written_back() -> None:
    name = ClipName.parse(NAME)
    assert name == ClipName(3, 21, 1, 40, 10)
    assert str(name) == NAME
    assert ClipName.parse("mix002") is None


def test_files_are_matched_by_name_and_others_are_listed(tmp_path: Path) -> None:
    make(
        tmp_path, f"stereo_dev/dev-train-tau/{NAME}.wav", f"metadata_dev/dev-train-tau/{NAME}.csv",
        f"video_dev/dev-train-tau/{NAME}.mp4", "stereo_dev/dev-test-tau/b.wav", "stereo_dev/dev-test-tau/notes.txt",
        "stereo_dev/loose.wav", "stereo_dev/dev-test-tau/.hidden.wav",
    )  # fmt: skip
    folder = scan(tmp_path)
    assert folder.splits == ("dev-test-tau", "dev-train-tau")
    (clip,) = folder.of("dev-train-tau")
    assert clip.id == f"dev-train-tau/{NAME}"
    assert clip.root == tmp_path
    assert None not in (clip.sound, clip.labels, clip.picture)
    assert [path.name for path in folder.strays] == ["notes.txt", "loose.wav"]


def test_another_layout_is_an_error_with_advice(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="no such folder"):
        scan(tmp_path / "missing")
    (tmp_path / "foa_dev").mkdir()
    with pytest.raises(LabelError, match="dataset stereo"):
        scan(tmp_path)


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    make(tmp_path, "real/a.wav")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "split").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "data")
    assert walk_files(tmp_path / "data") == [tmp_path / "data" / "split" / "a.wav"]
