from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from earwitness.core.errors import LabelError
from earwitness.data.dcase.labels import CLIP_FRAMES
from earwitness.data.starss.crops import Crop, different, digest_of, official_crops, random_crops
from earwitness.data.starss.foa import Recording


def recording(split: str, room: int, mix: int, frames: int = 600) -> Recording:
    name = f"fold3_room{room}_mix{mix:03d}"
    return Recording(split, name, Path(f"{name}.wav"), Path(f"{name}.csv"), None, frames)


ONE, TWO = recording("dev-train-tau", 4, 1), recording("dev-train-tau", 4, 2, 300)


def test_draws_depend_on_the_seed_and_not_on_the_order_of_recordings() -> None:
    first = list(islice(random_crops([ONE, TWO], 5), 50))
    assert first == list(islice(random_crops([TWO, ONE], 5), 50))
    assert first != list(islice(random_crops([ONE, TWO], 6), 50))
    assert all(0 <= crop.start <= crop.recording.frames - CLIP_FRAMES and 0 <= crop.deg < 360 for crop in first)


def test_every_degree_gives_all_views_of_each_crop() -> None:
    crops = list(islice(random_crops([ONE], 1, every_deg=90), 8))
    assert [crop.deg for crop in crops] == [0, 90, 180, 270] * 2
    assert len({crop.start for crop in crops[:4]}) == 1


def test_short_recordings_are_never_drawn() -> None:
    short = replace(ONE, frames=CLIP_FRAMES - 1)
    assert {crop.recording for crop in islice(random_crops([short, TWO], 1), 20)} == {TWO}
    with pytest.raises(LabelError, match="as long as a clip"):
        next(random_crops([short], 1))


def test_official_draws_use_the_official_recordings_only() -> None:
    other = recording("dev-train-sony", 21, 12)
    crops = list(islice(official_crops([other, ONE, TWO]), 100))
    assert {crop.recording for crop in crops} == {ONE, TWO}
    with pytest.raises(LabelError, match="official set"):
        next(official_crops([other]))


def test_repeated_crops_are_dropped() -> None:
    crops = [Crop(ONE, start, 0) for start in (0, 1, 0, 0, 2, 0, 0, 0, 0, 3)]
    assert [crop.start for crop in different(iter(crops), patience=3)] == [0, 1, 2]


def test_the_digest_depends_on_names_and_lengths() -> None:
    assert digest_of([ONE, TWO]) == digest_of([TWO, ONE])
    assert digest_of([ONE, TWO]) != digest_of([ONE, replace(TWO, frames=301)])
