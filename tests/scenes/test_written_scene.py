"""What a file of a rendered clip holds: pictures and sound point to the same place, at the same time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from earwitness.core.geometry import DCASE_CAMERA, lateral
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.audio import read_audio
from earwitness.media.sound.wav import write_wav
from earwitness.scenes import RirPool, SoundBank, Synthesizer
from earwitness.scenes.pictures.cutouts import Cutout, CutoutLibrary, State
from earwitness.scenes.pictures.scene_picture import DCASE_FPS, PictureRenderer, write_scene
from earwitness.scenes.renderer import SceneRenderer
from earwitness.scenes.scene import EventRecipe, NoiseRecipe, SceneRecipe

SILENCE = NoiseRecipe(sound=None, start=0.0, level_db=-200.0, hiss_db=-200.0, slope_db=0.0, seed=0)
ONSET = 0.8


@pytest.fixture(scope="module")
def noise_bank(tmp_path_factory: pytest.TempPathFactory) -> SoundBank:
    folder = tmp_path_factory.mktemp("noise")
    burst = np.random.default_rng(0).normal(scale=0.2, size=(1, 48_000)).astype(np.float32)
    write_wav(folder / "bell" / "burst.wav", np.clip(burst, -1, 1), 24_000)
    return SoundBank.open(folder)


class Lamp(CutoutLibrary):
    """Always the same thing: blue while it is silent, magenta while it sounds."""

    def pick(self, kind: str, rng: np.random.Generator) -> Cutout:
        def draw(state: State, phase: int, pixels_per_metre: float) -> Image.Image:
            size = (max(3, round(0.1 * pixels_per_metre)), max(3, round(0.3 * pixels_per_metre)))
            return Image.new("RGBA", size, (255, 0, 255, 255) if state == "sounding" else (0, 0, 255, 255))

        return Cutout(kind, "lamp", 0.1, 0.3, 0.15, "table", 5.0, {"idle": 1, "sounding": 1}, draw)


def columns_and_colours(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, columns of the lamp's middle, and whether it shines."""
    times, columns, shines = [], [], []
    for picture in PictureReader(path):
        rgb = picture.rgb.astype(int)
        lamp = (rgb[..., 2] > 180) & (rgb[..., 1] < 80)
        assert lamp.any()
        times.append(float(picture.time))
        columns.append(float((lamp * (np.arange(rgb.shape[1]) + 0.5)).sum() / lamp.sum()))
        shines.append(bool(np.median(rgb[..., 0][lamp]) > 120))
    return np.array(times), np.array(columns), np.array(shines)


@pytest.mark.parametrize(("azimuth", "view_deg"), [(25.0, 0.0), (-40.0, 130.0)])
def test_sprite_and_sound_are_found_again_in_the_same_direction_at_the_same_time(
    noise_bank: SoundBank,
    free_field: Callable[..., RirPool],
    tmp_path: Path,
    azimuth: float,
    view_deg: float,
) -> None:
    true = np.radians(azimuth - view_deg)
    pool = free_field((float(2 * np.cos(true)), float(2 * np.sin(true)), 0.0))
    event = EventRecipe(("bell/burst.wav",), "bell", ONSET, 0.3, 1.0, (0.0,) * 6, -20.0, (0,))
    scene = SceneRenderer(noise_bank, pool).render(SceneRecipe(4.0, 0, view_deg, (event,), SILENCE, -6.0))
    grey = np.full((64, 128, 3), 128, dtype=np.uint8)
    path = tmp_path / "scene.mp4"
    write_scene(path, scene, PictureRenderer(Lamp(), panoramas=[grey], bystanders=0).render(scene, 0))

    times, columns, shines = columns_and_colours(path)
    assert len(times) == round(4.0 * float(DCASE_FPS))
    assert np.abs(columns - float(DCASE_CAMERA.column(azimuth))).max() < 3.0

    left, right = read_audio(path, rate=24_000).astype(float)
    mid, side = (left + right) / 2, (left - right) / 2
    loud = slice(round((ONSET + 0.2) * 24_000), round((ONSET + 1.8) * 24_000))
    assert np.sum(mid[loud] * side[loud]) / np.sum(mid[loud] ** 2) == pytest.approx(lateral(azimuth), abs=0.02)
    found = float(np.degrees(np.arcsin(np.sum(mid[loud] * side[loud]) / np.sum(mid[loud] ** 2))))
    assert DCASE_CAMERA.azimuth(float(np.median(columns))) == pytest.approx(found, abs=2.0)

    # The lamp goes on and off with the sound: within one label frame, and to the very picture that the labels say.
    level = np.abs(mid).reshape(-1, 240).max(axis=1)
    heard = np.flatnonzero(level > 0.1 * level.max()) * 0.01
    onset, end = float(heard[0]), float(heard[-1]) + 0.01
    assert onset == pytest.approx(ONSET + 2 / 343, abs=0.03)
    one_picture = 1 / float(DCASE_FPS)
    seen = times[shines]
    assert float(seen[0]) == pytest.approx(onset, abs=one_picture)
    # Labels, and with them pictures, hold for 100 ms at a time.
    assert float(seen[-1]) == pytest.approx(end, abs=0.1 + one_picture)
    assert set(scene.labels.azimuth.tolist()) == {azimuth}
    assert scene.labels.onscreen.all()


def test_labels_say_when_each_stem_is_loud(synthesizer: Synthesizer) -> None:
    """A check apart from the labels' own rule: energies of rendered stems, walls and all, frame by frame."""
    renderer = SceneRenderer(synthesizer.bank, synthesizer.pool)
    agree, frames = 0, 0
    for seed in np.random.SeedSequence(21).spawn(12):
        recipe = synthesizer.draft(seed)
        scene = renderer.render(recipe)
        for track, stem in zip(scene.tracks, renderer.stems(recipe)[0], strict=True):
            energy = (stem.astype(float) ** 2).sum(axis=0).reshape(50, 2400).mean(axis=1)
            level = 10 * np.log10(energy / energy.max() + 1e-12)
            assert level[track.active].max() > -1e-6
            # What is silent for its label, and has been for a while, must be faint: only reverberation is left.
            since = np.array([not track.active[max(0, frame - 8) : frame + 1].any() for frame in range(50)])
            assert level[since].max(initial=-99) < -25
            loud = level > -20
            agree += int((loud & track.active).sum())
            frames += int(loud.sum())
    assert agree / frames > 0.93
