from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.core.geometry import DCASE_CAMERA, Camera, View, foa_to_stereo, fold, lateral, rotate_view, wrap

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
angles = st.floats(-1e4, 1e4, allow_nan=False)
in_front = st.floats(-89.0, 89.0)


@pytest.fixture(scope="module")
def labels() -> dict[str, np.ndarray]:
    rows = np.genfromtxt(GOLDEN / "stereo_labels.csv", delimiter=",", names=True)
    assert len(rows) == 3000
    return {name: rows[name] for name in rows.dtype.names}


def test_folded_azimuths_are_those_of_the_official_generator(labels) -> None:
    seen = rotate_view(labels["azimuth_in"], labels["view_deg"])
    np.testing.assert_array_equal(fold(seen), labels["azimuth_out"])


def test_onscreen_flags_are_those_of_the_official_generator(labels) -> None:
    seen = DCASE_CAMERA.sees(rotate_view(labels["azimuth_in"], labels["view_deg"]), labels["elevation_in"])
    assert 0.1 < labels["onscreen"].mean() < 0.9
    np.testing.assert_array_equal(seen, labels["onscreen"] == 1)


def test_pixels_are_those_of_the_official_generator(labels) -> None:
    x, y = DCASE_CAMERA.pixel(rotate_view(labels["azimuth_in"], labels["view_deg"]), labels["elevation_in"])
    np.testing.assert_array_equal(np.isnan(x), np.isnan(labels["x_px"]))
    np.testing.assert_array_equal(np.isnan(y), np.isnan(labels["y_px"]))
    assert np.nanmax(np.abs(x - labels["x_px"])) <= 1.0
    assert np.nanmax(np.abs(y - labels["y_px"])) <= 1.0


def test_labels_folded_beyond_51_whole_degrees_are_never_on_screen() -> None:
    azimuth, elevation = np.meshgrid(np.arange(-180, 180), np.arange(-90, 91, 5.0))
    beyond = np.abs(fold(azimuth)) > 51
    assert not DCASE_CAMERA.sees(azimuth[beyond], elevation[beyond]).any()
    behind = np.abs(azimuth) > 90
    assert not DCASE_CAMERA.sees(azimuth[behind], elevation[behind]).any()


@pytest.mark.parametrize("view_deg", [0, 30, 90, 213])
def test_stereo_is_that_of_the_official_generator(view_deg: int) -> None:
    with np.load(GOLDEN / "foa_to_stereo.npz") as golden:
        stereo = foa_to_stereo(golden["foa_wyzx"], view_deg)
        assert stereo.dtype == golden["foa_wyzx"].dtype
        np.testing.assert_allclose(stereo, golden[f"stereo_deg{view_deg}"], rtol=0, atol=1e-6)


def test_a_source_on_the_left_is_louder_in_the_left_channel() -> None:
    azimuth = np.radians(60.0)
    wave = np.random.default_rng(0).normal(size=480)
    foa = np.stack([wave, wave * np.sin(azimuth), 0 * wave, wave * np.cos(azimuth)])
    left, right = foa_to_stereo(foa)
    level = 20 * np.log10(np.abs(left).sum() / np.abs(right).sum())
    assert level == pytest.approx(22.9, abs=0.05)


@given(azimuth=angles, view=st.floats(-360, 360), elevation=st.floats(-90, 90))
def test_turning_the_sound_is_turning_its_label(azimuth: float, view: float, elevation: float) -> None:
    a, e = np.radians(azimuth), np.radians(elevation)
    foa = np.array([1.0, np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])[:, None]
    left, right = foa_to_stereo(foa, view)[:, 0]
    s = lateral(rotate_view(azimuth, view), elevation)
    assert (left, right) == (pytest.approx(1 + s, abs=1e-9), pytest.approx(1 - s, abs=1e-9))


@given(angles)
def test_wrap_changes_by_whole_turns_into_half_open_range(azimuth: float) -> None:
    wrapped = float(wrap(azimuth))
    assert -180 <= wrapped < 180
    assert (azimuth - wrapped) / 360 == pytest.approx(round((azimuth - wrapped) / 360), abs=1e-9)


@given(angles)
def test_fold_keeps_the_lateral_direction_and_is_idempotent(azimuth: float) -> None:
    folded = float(fold(azimuth))
    assert -90 <= folded <= 90
    assert float(lateral(folded)) == pytest.approx(float(lateral(azimuth)), abs=1e-9)
    assert float(fold(folded)) == folded


@given(angles)
def test_fold_swaps_with_left_and_right(azimuth: float) -> None:
    assert float(fold(-azimuth)) == pytest.approx(-float(fold(azimuth)), abs=1e-9)


@given(azimuth=in_front, width=st.integers(16, 4096), fov=st.floats(20, 150))
def test_camera_azimuth_inverts_column(azimuth: float, width: int, fov: float) -> None:
    camera = Camera(width, width * 9 // 16, fov)
    assert float(camera.azimuth(camera.column(azimuth))) == pytest.approx(azimuth, abs=1e-6)


@given(azimuth=st.floats(-80, 80), share=st.floats(0.1, 1), fov=st.floats(5, 150))
def test_between_black_bars_the_camera_sees_what_it_sees_without_them(azimuth: float, share: float, fov: float) -> None:
    whole = Camera(1280, 720, View(fov, share).whole_fov)
    alone = Camera(1, 1, fov).column(azimuth) * 1280 * share + 640 * (1 - share)
    assert float(whole.column(azimuth)) == pytest.approx(float(alone), abs=1e-6 * max(1, abs(float(alone))))


def test_camera_columns_run_from_left_to_right() -> None:
    assert DCASE_CAMERA.column([50.0, 0.0, -50.0]) == pytest.approx([0.0, 320.0, 640.0])
    assert np.isnan(DCASE_CAMERA.column([90.0, 120.0, -179.0])).all()


def test_camera_projects_left_to_the_left_and_up_to_the_top() -> None:
    right, below = DCASE_CAMERA.project([20.0, 0.0, 180.0], [0.0, 20.0, 0.0])
    assert right[0] < 0
    assert below[0] == pytest.approx(0)
    assert right[1] == pytest.approx(0)
    assert below[1] < 0
    assert np.isnan(right[2])
