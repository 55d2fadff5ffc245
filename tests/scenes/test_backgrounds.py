from __future__ import annotations

from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from earwitness.core.errors import MediaError, UnreadableMediaError
from earwitness.core.events import EventTable
from earwitness.core.geometry import Camera
from earwitness.media.writer import MediaWriter
from earwitness.scenes.pictures.backgrounds import PanoramaPhoto, PanoramaVideo, open_backgrounds
from earwitness.scenes.pictures.scene_picture import PictureRenderer
from earwitness.scenes.scene import NoiseRecipe, Scene, SceneRecipe

SMALL = Camera(width=160, height=90)
COUNT = 20


def make_film(path: Path, size: tuple[int, int] = (128, 64), frames: int = COUNT) -> Path:
    """Ten pictures a second, each a little brighter; the half to the left of the camera is blue."""
    with MediaWriter(path, *size, Fraction(10), preset="ultrafast") as writer:
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), 40 + 8 * number, dtype=np.uint8)
            picture[:, : size[0] // 2, 2] = 255
            writer.write_frame(picture, number / 10)
    return path


def levels(film: PanoramaVideo, fps: float, seconds: float, count: int, seed: int = 0) -> np.ndarray:
    """Numbers of the film's pictures that are seen."""
    frames = islice(film.frames(SMALL, 0.0, fps, seconds, np.random.default_rng(seed)), count)
    return np.array([(float(frame[:, 100:, 0].mean()) - 40) / 8 for frame in frames])


def test_films_are_shown_at_their_own_pace_and_begin_anew(tmp_path: Path) -> None:
    film = PanoramaVideo(make_film(tmp_path / "a.mp4"))
    seen = levels(film, 20, 10.0, 60)
    assert seen == pytest.approx(np.arange(60) // 2 % COUNT, abs=0.4)
    assert levels(film, 5, 10.0, 8) == pytest.approx(np.arange(8) * 2, abs=0.4)


def test_other_scenes_see_other_parts_of_a_film(tmp_path: Path) -> None:
    film = PanoramaVideo(make_film(tmp_path / "a.mp4"))
    starts = {round(float(levels(film, 10, 0.5, 1, seed)[0])) for seed in range(8)}
    assert len(starts) > 3
    assert max(starts) <= 15


def test_views_of_films_are_turned(tmp_path: Path) -> None:
    film = PanoramaVideo(make_film(tmp_path / "a.mp4"))
    ahead = next(film.frames(SMALL, 0.0, 10, 2.0, np.random.default_rng(0))).astype(int)
    behind = next(film.frames(SMALL, 180.0, 10, 2.0, np.random.default_rng(0))).astype(int)
    blue = [frame[..., 2] - frame[..., 0] > 100 for frame in (ahead, behind)]
    assert blue[0][:, :70].mean() > 0.98
    assert blue[0][:, 90:].mean() < 0.02
    assert blue[1][:, 90:].mean() > 0.98


def test_a_folder_of_photos_and_films_makes_the_rooms_of_scenes(tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4")
    Image.new("RGB", (1000, 500), (10, 200, 30)).save(tmp_path / "photo.jpg")
    (tmp_path / "notes.txt").write_text("ignored")
    film, photo = open_backgrounds(tmp_path)
    assert isinstance(film, PanoramaVideo)
    assert isinstance(photo, PanoramaPhoto)
    noise = NoiseRecipe(None, 0.0, -60.0, -70.0, 0.0, 0)
    recipe = SceneRecipe(1.0, 0, 90.0, (), noise, -3.0)
    scene = Scene(recipe, np.zeros((2, 24_000), np.float32), EventTable.empty(10), ())
    (first, *_, last) = PictureRenderer(camera=SMALL, fps=10, panoramas=[film], bystanders=0).render(scene, 0)
    assert float(last.mean()) - float(first.mean()) > 20
    (first, *_, last) = PictureRenderer(camera=SMALL, fps=10, panoramas=[photo], bystanders=0).render(scene, 0)
    assert np.array_equal(first, last)
    assert np.abs(first.reshape(-1, 3).mean(axis=0) - (10, 200, 30)).max() < 4


def test_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no 360-degree"):
        open_backgrounds(tmp_path)
    with pytest.raises(MediaError, match="no 360-degree"):
        open_backgrounds(tmp_path / "missing")
    make_film(tmp_path / "flat.mp4", (128, 72))
    with pytest.raises(MediaError, match="128x72"):
        open_backgrounds(tmp_path)
    (tmp_path / "flat.mp4").write_bytes(b"junk" * 100)
    with pytest.raises(UnreadableMediaError):
        open_backgrounds(tmp_path)
