from pathlib import Path

import av
import numpy as np

from earwitness.core.geometry import lateral
from earwitness.data.dcase.labels import read_table
from earwitness.media.containers.probe import probe
from earwitness.scenes.scene import SceneRecipe

SAMPLE = Path(__file__).parents[2] / "src" / "earwitness" / "assets" / "sample"
FRAMES = 240


def _sound() -> np.ndarray:
    with av.open(str(SAMPLE / "sample.mp4")) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1).astype(np.float64)


def test_parts_of_the_sample_fit_together() -> None:
    recipe = SceneRecipe.from_json((SAMPLE / "sample.json").read_text(encoding="utf-8"))
    truth = read_table(SAMPLE / "sample.csv", FRAMES)
    assert recipe.seconds * 10 == FRAMES
    assert abs(probe(SAMPLE / "sample.mp4").duration - recipe.seconds) < 0.15
    assert (SAMPLE / "sample.mp4").stat().st_size < 3_000_000
    assert {event.sound_class.slug for event in truth.events()} == {event.kind for event in recipe.events}
    assert truth.onscreen.any()
    assert not truth.onscreen.all()


def test_every_sound_of_the_sample_is_credited_and_free() -> None:
    recipe = SceneRecipe.from_json((SAMPLE / "sample.json").read_text(encoding="utf-8"))
    credits = (SAMPLE / "CREDITS.md").read_text(encoding="utf-8")
    for event in recipe.events:
        for sound in event.sounds:
            line = next(line for line in credits.splitlines() if f"`{sound}`" in line)
            assert line.rstrip(".").endswith(("CC0-1.0", "CC-BY-3.0", "CC-BY-4.0"))


def test_levels_of_the_channels_point_to_the_labelled_side() -> None:
    left, right = _sound()
    truth = read_table(SAMPLE / "sample.csv", FRAMES)
    middle, side = (left + right) / 2, (left - right) / 2
    for event in truth.events():
        # Sources may walk: what counts is where they are in the part that is measured.
        azimuth = float(np.median(event.table.azimuth[:6]))
        if abs(azimuth) < 15:
            continue
        part = slice(round(event.start * 24_000), round(min(event.start + 0.6, event.end) * 24_000))
        measured = float((middle[part] * side[part]).sum() / (middle[part] ** 2).sum())
        assert measured * float(lateral(azimuth)) > 0, event.sound_class.name
