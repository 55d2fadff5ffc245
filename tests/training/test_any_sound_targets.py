"""Targets of the class for any sound, and a loss that trains it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from earwitness.core.errors import TrainingError, UsageError
from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import encode
from earwitness.scenes.scene import NoiseRecipe, Scene, SceneRecipe, SourceTrack
from earwitness.training.data.any_sound_targets import with_any_sound
from earwitness.training.optimization import AdpitLoss
from earwitness.training.recipe import check_recipe
from earwitness.training.recipe_sections import LossSpec
from fakes import open_tones

FRAMES = 10


def track(kind: str, frames: slice, azimuth: float, metres: float) -> SourceTrack:
    active = np.zeros(FRAMES, bool)
    active[frames] = True
    return SourceTrack(kind, active, np.full(FRAMES, azimuth), np.zeros(FRAMES), np.full(FRAMES, metres))


def scene(*tracks: SourceTrack) -> Scene:
    labels = EventTable.from_columns(
        frame=np.flatnonzero(tracks[0].active), class_index=11, azimuth=tracks[0].azimuth[0],
        distance=tracks[0].distance[0], num_frames=FRAMES,
    )  # fmt: skip
    recipe = SceneRecipe(1.0, 0, 0.0, (), NoiseRecipe(None, 0.0, -60.0, -60.0, 0.0, 0), -3.0)
    return Scene(recipe, np.zeros((2, 24_000), np.float32), labels, tracks)


def test_interference_sounds_too_and_directions_are_folded():
    targets = with_any_sound(
        scene(track("bell", slice(0, 6), 30.0, 2.0), track("interference", slice(4, 8), 150.0, 1.0))
    )
    assert targets.active.shape == (FRAMES, 3, 14)
    assert targets.active[..., 13].sum(axis=1).tolist() == [1, 1, 1, 1, 2, 2, 1, 1, 0, 0]
    np.testing.assert_array_equal(
        targets.active[..., :13], encode(scene(track("bell", slice(0, 6), 30.0, 2.0)).labels).active
    )
    here = targets.active[7, :, 13]
    np.testing.assert_allclose(targets.values[7, here, 13, :3][0], [np.cos(np.pi / 6), 0.5, 1.0], atol=1e-6)


def test_of_more_than_three_the_nearest_count():
    tracks = [track("bell", slice(0, 5), 10.0 * number, 1.0 + number) for number in range(5)]
    targets = with_any_sound(scene(*tracks))
    assert sorted(targets.values[0, :, 13, 2].tolist()) == [1.0, 2.0, 3.0]


def test_recordings_do_not_say_what_else_sounds():
    with pytest.raises(TrainingError, match="any_sound is trained on scenes"):
        with_any_sound(open_tones().scene(np.random.SeedSequence(0)))
    folders = {"folders": [{"root": "x"}], "valid_rooms": [1]}
    with pytest.raises(UsageError, match="any_sound is trained on scenes"):
        check_recipe({"data": folders, "model": {"activity": "logit", "any_sound": True}}, "x")
    with pytest.raises(UsageError, match="any_sound needs activity"):
        check_recipe({"model": {"any_sound": True}}, "x")


def test_the_loss_learns_the_column_as_a_class():
    targets = with_any_sound(
        scene(track("bell", slice(0, 6), 30.0, 2.0), track("interference", slice(4, 8), -40.0, 1.0))
    )
    active, values = torch.from_numpy(targets.active)[None], torch.from_numpy(targets.values)[None]
    raw = torch.zeros(1, FRAMES, 3, 14, 5, requires_grad=True)
    loss = AdpitLoss(LossSpec(class_weights=tuple(range(1, 14))))
    optimizer = torch.optim.Adam([raw], lr=0.2)
    first = loss(raw, active, values).total.item()
    for _ in range(60):
        optimizer.zero_grad()
        total = loss(raw, active, values).total
        total.backward()
        optimizer.step()
    assert total.item() < 0.3 * first
    logit = raw[0, :, 0, 13, 4].detach()
    assert (logit[:8] > 0).all()
    assert (logit[8:] < 0).all()
    assert raw[0, 7, :, 13, 1].mean().item() == pytest.approx(np.sin(np.radians(-40)), abs=0.1)
