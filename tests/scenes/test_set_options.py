from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.core.errors import SynthesisError
from earwitness.scenes.writing.set_options import NOTE, RECORDINGS, keep_to_options


def with_clip(folder: Path) -> Path:
    (folder / "stereo_dev" / "split").mkdir(parents=True)
    (folder / "stereo_dev" / "split" / "a.wav").touch()
    return folder


def test_options_of_an_existing_set_must_not_change(tmp_path: Path) -> None:
    keep_to_options(with_clip(tmp_path), {"fps": "2", RECORDINGS: "a"})
    keep_to_options(tmp_path, {"fps": "2"})
    with pytest.raises(SynthesisError, match="--fps 2, not 3"):
        keep_to_options(tmp_path, {"fps": "3"})
    with pytest.raises(SynthesisError, match="other recordings"):
        keep_to_options(tmp_path, {RECORDINGS: "b"})


def test_a_set_without_clips_may_change_its_options(tmp_path: Path) -> None:
    keep_to_options(tmp_path, {"fps": "2"})
    keep_to_options(tmp_path, {"fps": "3"})
    with_clip(tmp_path)
    with pytest.raises(SynthesisError):
        keep_to_options(tmp_path, {"fps": "2"})


@pytest.mark.parametrize("content", ["", "[1]", "{", "[[]]"])
def test_a_damaged_record_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / NOTE).write_text(content)
    keep_to_options(with_clip(tmp_path), {"fps": "2"})
    with pytest.raises(SynthesisError):
        keep_to_options(tmp_path, {"fps": "3"})
