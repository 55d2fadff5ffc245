from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earwitness.scenes.pictures.painter import SpriteCanvas
from earwitness.scenes.pictures.people.figure import Appearance, Pose
from earwitness.scenes.pictures.people.heads import back_hair, head, head_centre

REST = Pose(elbows=((-0.2, 1.1), (0.2, 1.1)), hands=((-0.2, 0.85), (0.2, 0.85)))
PERSON = replace(
    Appearance.draw(woman=False, rng=np.random.default_rng(0)), hair=(150, 20, 200), beard=False, glasses=False
)
SCALE, HEIGHT = 200, 1.78


def drawn(appearance: Appearance = PERSON, pose: Pose = REST) -> np.ndarray:
    canvas = SpriteCanvas(1.1, HEIGHT, SCALE)
    head(canvas, appearance, pose)
    return np.asarray(canvas.finish()).astype(int)


def changed(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places at which two pictures differ: metres to the right of the middle, and above the ground."""
    rows, columns = np.nonzero((one != other).any(axis=2))
    return columns / SCALE - 0.55, HEIGHT - rows / SCALE


def test_a_head_is_around_its_centre() -> None:
    rows, columns = np.nonzero(drawn()[..., 3] > 128)
    x, z = head_centre(REST)
    assert columns.mean() / SCALE - 0.55 == pytest.approx(x, abs=0.01)
    assert HEIGHT - rows.mean() / SCALE == pytest.approx(z, abs=0.04)


def test_a_mouth_opens_below_the_eyes() -> None:
    across, up = changed(drawn(), drawn(pose=replace(REST, mouth=0.9)))
    assert np.abs(across).max() < 0.05
    assert 1.44 < up.min() < up.max() < 1.56


def test_eyes_follow_the_turn_of_the_face() -> None:
    def dark(pose: Pose) -> float:
        picture = drawn(pose=pose)
        eyes = picture[round((HEIGHT - 1.61) * SCALE) : round((HEIGHT - 1.56) * SCALE)]
        return float(np.nonzero((eyes[..., :3].max(axis=2) < 80) & (eyes[..., 3] > 128))[1].mean())

    left, ahead, right = (dark(replace(REST, turn=turn)) for turn in (-1.0, 0.0, 1.0))
    assert left < ahead - 1.5 < ahead + 1.5 < right


def test_tilted_and_sunk_heads_move() -> None:
    x, z = head_centre(replace(REST, tilt=0.04, sink=0.03))
    assert x > head_centre(REST)[0]
    assert z == pytest.approx(head_centre(REST)[1] - 0.03)


@pytest.mark.parametrize("style", range(5))
def test_hair_has_its_colour_and_every_style_its_own_shape(style: int) -> None:
    def hair(number: int) -> np.ndarray:
        canvas = SpriteCanvas(1.1, HEIGHT, 60)
        back_hair(canvas, replace(PERSON, hairstyle=number), REST)
        return np.asarray(canvas.finish()).astype(int)

    picture = hair(style)
    opaque = picture[picture[..., 3] > 200]
    assert len(opaque) > 20
    assert (opaque[:, 2] > opaque[:, 1] + 40).mean() > 0.9
    assert all((hair(other) != picture).any() for other in range(5) if other != style)


@pytest.mark.parametrize(("change", "low", "high"), [({"beard": True}, 1.4, 1.57), ({"glasses": True}, 1.54, 1.63)])
def test_beards_are_below_and_glasses_at_the_eyes(change: dict[str, bool], low: float, high: float) -> None:
    _, up = changed(drawn(), drawn(replace(PERSON, **change)))
    assert low < up.mean() < high
