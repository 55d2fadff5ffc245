"""Stored tokens are told apart by weights, settings and a revision of the method: this is what holds the last of them.

Where one of these numbers changes, old tokens no longer fit new ones: raise the revision of each encoder that is named
(`_revision`, `_REVISION`), and only then note the new numbers here.
"""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from earwitness.encoders import clap, efficientnet, owlvit, yamnet
from earwitness.encoders.encoder_input import PictureGrid, as_channels

RATE = 24_000


def sound(seconds: float, rate: int) -> np.ndarray:
    """Two gliding tones, one a channel, without any chance."""
    time = np.arange(round(seconds * rate)) / rate
    left, right = np.sin(2 * np.pi * (300 * time + 400 * time**2)), np.sin(2 * np.pi * (2000 * time - 50 * time**2))
    return np.stack([0.5 * left, 0.25 * right]).astype(np.float32)


def moments(values: np.ndarray) -> list[float]:
    values = values.astype(np.float64)
    weights = np.cos(np.arange(values.size)).reshape(values.shape)
    return [float(values.mean()), float(values.std()), float((values * weights).mean())]


def test_sound_is_resampled_and_split_into_channels_as_it_was() -> None:
    """All sound encoders."""
    made = as_channels(sound(1.0, RATE), RATE, 16_000, ("M", "S", "L", "R"))
    assert (clap.Clap._revision, yamnet._REVISION) == (1, 1)
    assert moments(made) == pytest.approx([9.69851e-05, 0.2420613, -6.4795e-06], abs=2e-6)


def test_the_spectrogram_of_clap_is_as_it_was() -> None:
    window = as_channels(sound(10.0, RATE), RATE, clap.RATE, ("M",))[0]
    assert clap.Clap._revision == 1
    assert moments(clap.log_mel(window)) == pytest.approx([-70.0667, 31.5781, 0.00115], abs=5e-3)


def test_the_spectrogram_of_yamnet_is_as_it_was() -> None:
    window = as_channels(sound(1.0, RATE), RATE, yamnet.RATE, ("M",))[0]
    assert yamnet._REVISION == 1
    assert moments(yamnet.log_mel(window)) == pytest.approx([-4.476519, 2.878656, -0.001293], abs=5e-4)


def test_pictures_are_laid_and_scaled_as_they_were() -> None:
    """OWL-ViT; the grid is that of EfficientNet too."""
    frames = ((np.arange(2 * 60 * 80 * 3) * 7) % 256).astype(np.uint8).reshape(2, 60, 80, 3)
    drawn = PictureGrid.of((96, 96), 16, (80, 60), "pad").draw(frames, Image.Resampling.BICUBIC)
    assert (owlvit.OwlVit._revision, efficientnet._REVISION) == (1, 1)
    assert moments(owlvit.as_pixels(drawn)) == pytest.approx([0.189143, 0.740668, 0.000297], abs=2e-4)
