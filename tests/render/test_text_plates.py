from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from earwitness.core.errors import UsageError
from earwitness.core.events import EventTable
from earwitness.export.captions.captions import Caption
from earwitness.media.pictures import PictureReader
from earwitness.render.video.annotated_video import VideoOptions, render_video
from earwitness.render.video.text_plates import CaptionPlates, font_for
from earwitness.results.detection import Detection, ModelId

Box = tuple[int, int, int, int]
LEFT = Caption(1.0, 2.0, ("[knocking, left]",), 10)
RIGHT = Caption(3.0, 4.0, ("[telephone ringing,", "right]"), 90)
MIDDLE = Caption(5.0, 6.0, ("x" * 42, "y" * 42))


def changed(
    plates: CaptionPlates, time: float, width: int = 640, height: int = 360
) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of what is drawn."""
    canvas = np.full((height, width, 3), 200, np.uint8)
    plates.draw(canvas, time)
    rows, columns = np.nonzero((canvas != 200).any(axis=2))
    return (columns.min(), rows.min(), columns.max(), rows.max()) if len(rows) else None


def test_captions_are_shown_in_their_time_and_on_their_side() -> None:
    plates = CaptionPlates([LEFT, RIGHT, MIDDLE], 640, 360)
    assert changed(plates, 0.99) is None
    left = changed(plates, 1.0)
    assert changed(plates, 2.0) is None
    right, middle = changed(plates, 3.5), changed(plates, 5.5)
    assert changed(plates, 6.0) is None
    assert left is not None
    assert right is not None
    assert middle is not None
    assert left[0] < 40
    assert left[2] < 400
    assert right[2] > 600
    assert right[0] > 240
    assert abs(middle[0] + middle[2] - 640) < 6
    for box in (left, right, middle):
        assert box[0] >= 640 * 0.04
        assert box[2] <= 640 * 0.96
        assert box[1] > 360 * 0.6
        assert box[3] <= 360 * 0.96


@pytest.mark.parametrize(("width", "height"), [(360, 640), (3840, 2160), (320, 180), (240, 240)])
def test_lines_fit_pictures_of_any_shape(width: int, height: int) -> None:
    box = changed(CaptionPlates([MIDDLE], width, height), 5.5, width, height)
    assert box is not None
    assert box[0] >= 0
    assert box[2] < width * 0.99
    assert box[1] > height * 0.5


def test_bad_input_gives_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="48x32 pixels have no room for captions"):
        CaptionPlates([MIDDLE], 48, 32)
    with pytest.raises(UsageError, match=r"no installed font has .* --font FILE"):
        font_for("\U0001f9ff\U0010fffd")
    (tmp_path / "a.ttf").write_text("no font")
    with pytest.raises(UsageError, match=r"a\.ttf: is not a font"):
        font_for("a", tmp_path / "a.ttf")
    own = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "cmr10.ttf"
    assert font_for("ab", own) == str(own)
    with pytest.raises(UsageError, match="has no ♪"):
        font_for("♪", own)


def test_captions_are_burnt_into_a_copy(make_video: Callable[..., Path], tmp_path: Path) -> None:
    source = make_video(width=320, height=180)
    result = Detection(EventTable.empty(20), ModelId("tiny", ""), 2.0, has_video=True)
    caption = Caption(0.5, 1.0, ("[bell]",), 50)
    out = render_video(result, source, tmp_path / "o.mp4", VideoOptions(captions=(caption,), markers=False))
    before, after = list(PictureReader(source)), list(PictureReader(out))
    assert [one.time for one in before] == pytest.approx([one.time for one in after], abs=1e-3)
    assert before[0].rgb.shape == after[0].rgb.shape  # no panel
    for (time, old), (_, new) in zip(before, after, strict=True):
        dark = np.abs(old.astype(int) - new.astype(int))[130:].max() > 60
        assert dark == (0.5 <= time < 1.0), time
