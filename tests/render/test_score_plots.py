import numpy as np
import pytest
from PIL import Image

from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics import Protocol, Scores, count, jackknife
from earwitness.metrics.counts import COLUMNS
from earwitness.metrics.matching import matched_pairs
from earwitness.render.score_plots import plot_classes, plot_errors


@pytest.mark.parametrize("protocol", Protocol)
def test_pairs_are_those_that_are_counted(random_clips, protocol):
    names, references, predictions = random_clips(8, clips=5, rows=50)
    predictions[1] = None
    pairs = matched_pairs(references, predictions, protocol)
    table = dict(zip(COLUMNS, count(names, references, predictions, protocol).by(), strict=True))
    assert pairs.azimuth.size == table["pairs"]
    assert np.abs(pairs.azimuth - pairs.answered_azimuth).sum() == pytest.approx(table["angle"])
    assert np.abs(pairs.distance_cm - pairs.answered_distance_cm).sum() == pytest.approx(table["distance"])
    assert np.abs(pairs.azimuth).max() <= 90


def inked(path, box):
    """Share of pixels of a region (fractions: left, top, right, bottom) that are not white."""
    picture = np.asarray(Image.open(path).convert("L"), dtype=float)
    height, width = picture.shape
    left, top, right, bottom = box
    return (picture[int(top * height) : int(bottom * height), int(left * width) : int(right * width)] < 250).mean()


def test_class_chart(random_clips, tmp_path):
    names, references, _ = random_clips(8, clips=5, rows=50)
    scores = Scores.from_counts(count(names, references, references), Protocol.STRICT)
    path = tmp_path / "new" / "classes.png"
    plot_classes(scores, path, jackknife(scores.counts, Protocol.STRICT))
    assert [file.name for file in path.parent.iterdir()] == ["classes.png"]
    # Three classes at 100 % are drawn first, the ten that do not occur below them.
    assert inked(path, (0.3, 0.05, 0.9, 0.22)) > 0.7
    assert inked(path, (0.3, 0.5, 0.7, 0.85)) < 0.1


def test_error_picture(random_clips, tmp_path):
    references, predictions = random_clips(8, clips=20, rows=80)[1:]
    path = tmp_path / "errors.png"
    plot_errors(matched_pairs(references, predictions), path)
    many = inked(path, (0.08, 0.15, 0.45, 0.85))
    plot_errors(matched_pairs(references, references), path)
    assert many > 2 * inked(path, (0.08, 0.15, 0.45, 0.85))


def test_nothing_to_draw(tmp_path):
    none = [LabelRows.empty()]
    plot_errors(matched_pairs(none, none), tmp_path / "errors.png")
    plot_classes(Scores.from_counts(count(["a"], none, none), Protocol.STRICT), tmp_path / "classes.png")
    assert len(list(tmp_path.iterdir())) == 2
