from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.errors import EncoderError, UsageError
from earwitness.core.geometry import Camera
from earwitness.encoders.encoder_input import PictureGrid, PictureSettings, check_frames
from earwitness.encoders.protocol import TokenMap

BILINEAR = Image.Resampling.BILINEAR


def brightness(
    frames: NDArray[np.uint8], input_size: tuple[int, int], cell: int, settings: PictureSettings, highest: bool = False
) -> TokenMap:
    """What a network would give whose cells just measure brightness: one number each, the mean or the highest."""
    size = frames.shape[2], frames.shape[1]
    grid = PictureGrid.of(input_size, cell, size, settings.fit)
    drawn = grid.draw(frames, BILINEAR).astype(np.float32).mean(axis=3)
    rows, columns = input_size[1] // cell, input_size[0] // cell
    pixels = drawn.reshape(len(frames), rows, cell, columns, cell)
    cells = pixels.max(axis=(2, 4)) if highest else pixels.mean(axis=(2, 4))
    return grid.token_map(cells[..., None], np.arange(len(frames), dtype=np.float64), 100.0, settings)


@pytest.mark.parametrize("fit", ["stretch", "pad"])
@pytest.mark.parametrize("size", [(640, 360), (360, 640), (500, 500), (1920, 804)])
@pytest.mark.parametrize("place", [(0.1, 0.2), (0.5, 0.5), (0.85, 0.7)])
def test_a_bright_spot_lights_the_cell_that_looks_there(
    fit: str, size: tuple[int, int], place: tuple[float, float]
) -> None:
    width, height = size
    x, y = round(place[0] * width), round(place[1] * height)
    frame = np.zeros((1, height, width, 3), dtype=np.uint8)
    frame[0, y - 6 : y + 7, x - 6 : x + 7] = 255
    tokens = brightness(frame, (384, 384), 16, PictureSettings.of({"fit": fit}), highest=True)
    brightest = int(tokens.tokens[0, :, 0].argmax())
    camera = Camera(width, height, 100.0)
    azimuth = float(camera.azimuth(x + 0.5))
    elevation = np.degrees(np.arctan2(height / 2 - y - 0.5, camera.focal_px / np.cos(np.radians(azimuth))))
    # Half a cell, seen from the camera, plus what the resizing smears.
    scale = width / 384 if fit == "stretch" else max(size) / 384
    tolerance = np.degrees(np.arctan(16 * max(scale, height / 384) / 2 / camera.focal_px)) + 1
    assert abs(tokens.azimuth[brightest] - azimuth) < tolerance
    assert abs(tokens.elevation[brightest] - elevation) < tolerance


def test_stretching_fills_the_input_and_padding_keeps_the_shape() -> None:
    frames = np.full((1, 360, 640, 3), 200, dtype=np.uint8)
    stretched = brightness(frames, (768, 768), 32, PictureSettings())
    padded = brightness(frames, (768, 768), 32, PictureSettings(fit="pad"))
    assert (stretched.positions, padded.positions) == (24 * 24, 24 * 14)
    np.testing.assert_allclose(stretched.tokens, 200)
    assert padded.azimuth.max() == stretched.azimuth.max()
    edge = float(Camera(640, 360).azimuth(0))
    assert 48 < stretched.azimuth.max() < edge


@hypothesis_settings(max_examples=50, deadline=None)
@given(
    st.integers(40, 2000), st.integers(40, 2000), st.sampled_from(["stretch", "pad"]),
    st.sampled_from([None, 1, 3, 50]), st.floats(20, 150),
)  # fmt: skip
def test_directions_are_symmetric_and_in_the_picture(
    width: int, height: int, fit: str, rows: int | None, fov: float
) -> None:
    settings = PictureSettings.of({"fit": fit, "rows": rows})
    grid = PictureGrid.of((320, 192), 32, (width, height), settings.fit)
    tokens = grid.token_map(np.zeros((1, 6, 10, 2), np.float32), np.zeros(1), fov, settings)
    assert tokens.positions >= 1
    assert np.abs(tokens.azimuth).max() <= fov / 2
    assert np.isfinite(tokens.elevation).all()
    columns = np.unique(tokens.azimuth)
    np.testing.assert_allclose(columns, -columns[::-1], atol=1e-3)


def test_rows_are_pooled_and_columns_kept() -> None:
    frames = np.zeros((1, 192, 320, 3), dtype=np.uint8)
    frames[0, :32, 64:96] = 240
    full = brightness(frames, (320, 192), 32, PictureSettings())
    mean = brightness(frames, (320, 192), 32, PictureSettings(rows=1))
    most = brightness(frames, (320, 192), 32, PictureSettings(rows=1, pool="max"))
    two = brightness(frames, (320, 192), 32, PictureSettings(rows=2))
    assert [tokens.positions for tokens in (full, mean, most, two)] == [60, 10, 10, 20]
    np.testing.assert_array_equal(mean.azimuth, full.azimuth[:10])
    assert mean.tokens[0, 2, 0] == pytest.approx(40)
    assert most.tokens[0, 2, 0] == pytest.approx(240)
    assert two.tokens[0, 2, 0] == pytest.approx(80)
    assert two.elevation[2] > 0 > two.elevation[12]
    np.testing.assert_allclose(mean.elevation, 0, atol=1e-5)


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (333, 500)])
@pytest.mark.parametrize("fit", ["stretch", "pad"])
def test_mirrored_pictures_give_mirrored_maps(size: tuple[int, int], fit: str) -> None:
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (2, 9, 16, 3), dtype=np.uint8)
    frames = np.stack([np.asarray(Image.fromarray(one).resize(size, BILINEAR)) for one in coarse])
    settings = PictureSettings.of({"fit": fit})
    straight = brightness(frames, (320, 320), 32, settings)
    turned = brightness(frames[:, :, ::-1], (320, 320), 32, settings)
    order = np.lexsort([straight.azimuth.round(2), straight.elevation.round(2)])
    back = np.lexsort([-turned.azimuth.round(2), turned.elevation.round(2)])
    np.testing.assert_allclose(straight.tokens[:, order], turned.tokens[:, back], atol=12)
    np.testing.assert_allclose(turned.mirrored().tokens, straight.tokens, atol=12)


@pytest.mark.parametrize(
    ("frames", "times", "fov"),
    [
        (np.zeros((1, 4, 4), np.uint8), [0.0], 100.0),
        (np.zeros((0, 4, 4, 3), np.uint8), [], 100.0),
        (np.zeros((1, 4, 4, 3), np.float32), [0.0], 100.0),
        (np.zeros((2, 4, 4, 3), np.uint8), [0.0], 100.0),
        (np.zeros((2, 4, 4, 3), np.uint8), [1.0, 1.0], 100.0),
        (np.zeros((1, 4, 4, 3), np.uint8), [np.nan], 100.0),
        (np.zeros((1, 4, 4, 3), np.uint8), [0.0], 180.0),
    ],
)
def test_bad_pictures(frames: NDArray[np.uint8], times: list[float], fov: float) -> None:
    with pytest.raises(EncoderError):
        check_frames(frames, np.array(times), fov)


@pytest.mark.parametrize("values", [{"fit": "crop"}, {"rows": 0}, {"pool": "median"}])
def test_bad_settings(values: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        PictureSettings.of(values)
