from __future__ import annotations

from collections.abc import Callable
from math import nan
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from earwitness.core.errors import EncodingError
from earwitness.core.events import EventTable
from earwitness.core.vocabulary import CLASSES
from earwitness.render.timeline_picture import timeline_picture

MakeTable = Callable[..., EventTable]


def centre(path: Path, class_index: int, rows: slice = slice(None)) -> tuple[float, float]:
    """Mean column and row of a class's colour, the legend at the bottom left out."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    pixels = pixels[: round(pixels.shape[0] * 0.84)][rows]
    y, x = np.nonzero(np.abs(pixels - CLASSES[class_index].rgb).sum(axis=2) < 12)
    return float(x.mean()), float(y.mean())


def test_left_is_up_and_late_is_right(make_table: MakeTable, tmp_path: Path) -> None:
    rows = [(f, 11, 0, 60, 1, True) for f in range(5)] + [(f, 1, 0, -60, 4, True) for f in range(15, 20)]
    path = timeline_picture(make_table(rows), tmp_path / "plot.png")
    upper, lower = slice(0, 330), slice(330, None)
    assert centre(path, 11, upper)[0] < centre(path, 1, upper)[0]
    assert centre(path, 11, upper)[1] < centre(path, 1, upper)[1]
    assert centre(path, 11, lower)[1] > centre(path, 1, lower)[1], "nearer is lower"


def test_reference_stands_beside_the_prediction(make_table: MakeTable, tmp_path: Path) -> None:
    one, other = (make_table([(f, c, 0, 0, 1, True) for f in range(20)]) for c in (11, 1))
    path = timeline_picture(one, tmp_path / "plot.png", reference=other, title="clip")
    width = Image.open(path).width
    assert centre(path, 1)[0] < width / 2 < centre(path, 11)[0]


def test_unknown_direction_is_shown(make_table: MakeTable, tmp_path: Path) -> None:
    path = timeline_picture(make_table([(f, 11, 0, nan, nan, False) for f in range(20)]), tmp_path / "plot.png")
    assert np.isfinite(centre(path, 11)).all()


def test_same_events_same_bytes(make_table: MakeTable, tmp_path: Path) -> None:
    table = make_table([(0, 0, 0, 0, 1, True), (0, 0, 0, 40, 1, True)])
    first, second = (timeline_picture(table, tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first == second


def test_nothing_to_draw_and_bad_names(make_table: MakeTable, tmp_path: Path) -> None:
    assert timeline_picture(make_table([], num_frames=0), tmp_path / "empty.png").stat().st_size > 0
    with pytest.raises(EncodingError, match=r"plot\.xyz"):
        timeline_picture(make_table([]), tmp_path / "plot.xyz")
    assert [path.name for path in tmp_path.iterdir()] == ["empty.png"]
