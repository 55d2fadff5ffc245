from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs torch (extra 'train')")

from dcase_commands import in_metres, refused, rewrite


def test_what_cannot_be_reproduced_is_said_before_any_work(at_work: Path) -> None:
    options = ("reproduce", "--data", "DCASE2025")
    data = at_work / "DCASE2025"
    assert "--scale must be one of tiny, small, paper" in refused(*options, "--scale", "huge")
    assert "no such folder" in refused("reproduce", "--data", "elsewhere", "--scale", "tiny")
    assert "name a sound bank with --bank" in refused(*options, "--scale", "small")
    rewrite(data / "metadata_dev" / "dev-test-tau", in_metres)
    assert "they seem to be metres" in refused(*options, "--scale", "tiny")
    shutil.rmtree(data / "video_dev")
    shutil.rmtree(data / "metadata_dev" / "dev-test-tau")
    assert "has no videos" in refused(*options, "--scale", "tiny")
    for part in ("stereo_dev", "metadata_dev"):
        for split in ("dev-test-sony", "dev-test-tau"):
            shutil.rmtree(data / part / split, ignore_errors=True)
    assert "has no test split" in refused(*options, "--scale", "tiny")
    assert not (at_work / "runs").exists()
