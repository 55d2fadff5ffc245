from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.errors import MediaError
from earwitness.core.geometry import Camera, rotate_view
from earwitness.scenes.pictures.perspective import rays, view

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "perspective.npz"
SMALL = Camera(width=160, height=90)


@pytest.mark.parametrize("yaw", [0, 45, 200])
def test_equals_the_official_views(yaw: int) -> None:
    golden = np.load(GOLDEN)
    seen = view(golden["equirect"], yaw, SMALL, seam="official")
    assert np.abs(seen.astype(int) - golden[f"perspective_deg{yaw}"]).max() <= 2


def test_smooth_seam_differs_from_the_official_one_only_at_the_joint() -> None:
    golden = np.load(GOLDEN)
    smooth = view(golden["equirect"], 200, SMALL).astype(int)
    off = np.abs(smooth - golden["perspective_deg200"]).max(axis=(0, 2)) > 2
    joint = SMALL.column(rotate_view(180.0, 200.0))
    assert 0 < off.sum() <= 2
    assert np.abs(np.flatnonzero(off) - joint).max() <= 2


def _marked(azimuth: float, width: int = 1440) -> np.ndarray:
    panorama = np.zeros((width // 2, width, 3), dtype=np.uint8)
    column = int((0.5 - azimuth / 360) * width) % width
    for near in range(-3, 4):
        panorama[:, (column + near) % width] = 255
    return panorama


@settings(max_examples=40, deadline=None)
@given(azimuth=st.floats(-180, 179.9), offset=st.floats(-45, 45))
def test_a_mark_appears_where_the_camera_says(azimuth: float, offset: float) -> None:
    yaw = offset - azimuth
    row = view(_marked(azimuth), yaw, Camera())[180, :, 0].astype(float)
    found = float((row * np.arange(640)).sum() / row.sum()) + 0.5
    assert abs(found - float(Camera().column(rotate_view(azimuth, yaw)))) < 2.0


@settings(max_examples=10, deadline=None)
@given(yaw=st.floats(-400, 400), seed=st.integers(0, 99))
def test_mirrored_panorama_gives_mirrored_view(yaw: float, seed: int) -> None:
    panorama = np.random.default_rng(seed).integers(0, 256, (60, 120, 3)).astype(np.uint8)
    plain = view(panorama, yaw, SMALL).astype(int)
    mirrored = view(np.ascontiguousarray(panorama[:, ::-1]), -yaw, SMALL).astype(int)
    assert np.abs(plain - mirrored[:, ::-1]).max() <= 3


def test_a_full_turn_changes_nothing_and_flat_colour_stays() -> None:
    panorama = np.random.default_rng(0).integers(0, 256, (60, 120, 3)).astype(np.uint8)
    assert np.array_equal(view(panorama, 30.0, SMALL), view(panorama, 390.0, SMALL))
    flat = np.full((50, 100, 3), (7, 255, 131), dtype=np.uint8)
    assert (view(flat, 13.7, SMALL) == (7, 255, 131)).all()


def test_rays_reach_the_edges_of_the_view() -> None:
    left, up = rays(Camera())
    assert left[0] == pytest.approx(np.tan(np.radians(50)), rel=1e-6)
    assert np.degrees(2 * np.arctan(up[0])) == pytest.approx(67.67, abs=0.01)


@pytest.mark.parametrize("bad", [np.zeros((4, 8), np.uint8), np.zeros((4, 8, 4), np.uint8), np.zeros((4, 8, 3))])
def test_refuses_what_is_no_picture(bad: np.ndarray) -> None:
    with pytest.raises(MediaError, match="panorama"):
        view(bad)
