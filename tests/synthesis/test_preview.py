from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from earwitness.synthesis import Synthesizer
from earwitness.synthesis.preview import write_preview


def test_a_row_a_scene(synthesizer: Synthesizer, tmp_path: Path) -> None:
    scenes = [synthesizer.scene(seed) for seed in np.random.SeedSequence(3).spawn(2)]
    write_preview(scenes[:1], tmp_path / "new" / "one.png")
    write_preview(scenes, tmp_path / "two.png")
    one, two = Image.open(tmp_path / "new" / "one.png"), Image.open(tmp_path / "two.png")
    assert one.width == two.width
    assert two.height > 1.6 * one.height
    assert np.asarray(two.convert("L")).std() > 20
