"""A tiny model and made-up scenes, so that training tests take seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from earwitness.core.events import EventTable
from earwitness.scenes.scene import NoiseRecipe, Scene, SceneRecipe
from earwitness.training.recipe import Recipe, check_recipe


@dataclass(frozen=True)
class FakeScene:
    audio: np.ndarray
    labels: EventTable


@dataclass(frozen=True)
class Tones:
    """Scenes of one second: a tone whose pitch is the class, panned by its azimuth."""

    def scene(self, seed_sequence: np.random.SeedSequence) -> FakeScene:
        return self.parts(seed_sequence)[0]

    def parts(self, seed_sequence: np.random.SeedSequence) -> tuple[FakeScene, np.ndarray]:
        """The scene, and its tone without the noise."""
        rng = np.random.default_rng(seed_sequence)
        index, azimuth, start = int(rng.integers(13)), float(rng.uniform(-80, 80)), int(rng.integers(0, 4))
        lateral = np.sin(np.radians(azimuth))
        tone = np.sin(2 * np.pi * (300 + 400 * index) * np.arange(24_000) / 24_000) * 0.1
        tone[: start * 2400] = 0
        direct = np.stack([(1 + lateral) * tone, (1 - lateral) * tone])
        audio = direct + rng.normal(size=(2, 24_000)) * 1e-3
        frames = np.arange(start, 10)
        labels = EventTable.from_columns(
            frame=frames, class_index=np.full(frames.size, index), azimuth=np.full(frames.size, azimuth),
            distance=np.full(frames.size, rng.uniform(0.5, 4)), onscreen=np.full(frames.size, abs(azimuth) < 50),
            num_frames=10,
        )  # fmt: skip
        return FakeScene(audio.astype(np.float32), labels), direct.astype(np.float32)


def open_tones() -> Tones:
    return Tones()


@dataclass(frozen=True)
class DirectTones:
    """The same as simulated scenes, which know their direct sound: the tone."""

    def scene(self, seed_sequence: np.random.SeedSequence, *, direct: bool = False) -> Scene:
        made, tone = Tones().parts(seed_sequence)
        recipe = SceneRecipe(1.0, 0, 0.0, (), NoiseRecipe(None, 0.0, -60.0, -60.0, 0.0, 0), -3.0)
        return Scene(recipe, made.audio, made.labels, (), tone if direct else None)


def open_direct_tones() -> DirectTones:
    return DirectTones()


def dense_recipe(**run: object) -> Recipe:
    """`tiny_recipe` with a head for dense targets, which needs the log-mels of mid and side."""
    plain = tiny_recipe(**run).model_dump(mode="json", exclude={"model": {"in_channels", "mels", "frames_per_label"}})
    plain["features"]["channels"] = ["logmel_m", "logmel_s", "intensity"]
    plain["model"]["dense"] = True
    return check_recipe(plain, "dense")


def tiny_recipe(**run: object) -> Recipe:
    return check_recipe(
        {
            "name": "tiny",
            "data": {"valid_scenes": 4},
            "features": {"channels": ["logmel_m", "intensity"], "mels": 16, "stpacc_bins": 16, "window": 512,
                         "stpacc_lags": 128},
            "model": {"stem_width": 4, "stem_kernel": 3, "widths": [4, 8], "pools": [[5, 2], [1, 2]], "dim": 16,
                      "heads": 2, "blocks": 1, "conv_kernel": 3, "ffn_mult": 2},
            "run": {"batch": 4, "steps": 6, "log_every": 1, "valid_every": 6, "save_every": 3, "workers": 0,
                    "scaler_scenes": 4, "tensorboard": False, "precision": "fp32", "device": "cpu", **run},
        },
        "tiny",
    )  # fmt: skip
