from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from earwitness.core.errors import EncodingError
from earwitness.scenes import Synthesizer
from earwitness.scenes.writing.preview import busiest_second, write_preview


def test_a_row_a_scene(synthesizer: Synthesizer, tmp_path: Path) -> None:
    scenes = [synthesizer.scene(seed) for seed in np.random.SeedSequence(3).spawn(2)]
    write_preview(scenes[:1], tmp_path / "new" / "one.png")
    magenta = np.full((36, 64, 3), (255, 0, 255), dtype=np.uint8)
    write_preview(scenes, tmp_path / "two.png", [magenta, magenta])
    one, two = Image.open(tmp_path / "new" / "one.png"), Image.open(tmp_path / "two.png")
    assert two.width > 1.2 * one.width
    assert two.height > 1.6 * one.height
    assert np.asarray(two.convert("L")).std() > 20
    shown = (np.asarray(two.convert("RGB")).astype(int) == (255, 0, 255)).all(axis=2)
    assert shown.mean() > 0.05
    assert shown[:, : one.width].mean() < 0.02
    assert not (np.asarray(one.convert("RGB")) == (255, 0, 255)).all(axis=2).any()


def test_the_picture_is_of_a_time_when_most_are_seen(synthesizer: Synthesizer) -> None:
    scenes = (synthesizer.scene(seed) for seed in np.random.SeedSequence(8).spawn(40))
    scene = next(scene for scene in scenes if scene.labels.onscreen.any())
    seen = scene.labels.frame[scene.labels.onscreen]
    frame = int(busiest_second(scene) * 10)
    assert (seen == frame).sum() == np.bincount(seen).max()


def test_folders_that_cannot_be_written_are_named(synthesizer: Synthesizer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EncodingError, match="cannot be written"):
        write_preview([synthesizer.scene(np.random.SeedSequence(1))], tmp_path / "file" / "sheet.png")
