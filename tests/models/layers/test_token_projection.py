from __future__ import annotations

import pytest
import torch

from earwitness.models.layers.token_projection import TokenProjection, aligned_mean, direction_features
from nets import PICTURE, cmc_config, tokens


def test_frames_look_no_farther_than_they_may():
    projection = TokenProjection("owlvit", PICTURE, cmc_config()).eval()
    seen = projection(tokens()["owlvit"], 10)
    middles, times = (torch.arange(10) + 0.5) / 10, (torch.arange(4) + 0.5) / 4
    expected = (middles[:, None] - times).abs() <= PICTURE.reach_s + 1e-6
    torch.testing.assert_close(seen.allowed[0], expected)
    assert not expected.all()


def test_pooling_is_the_mean_of_neighbours():
    projection = TokenProjection("owlvit", PICTURE, cmc_config())
    given = tokens()["owlvit"]
    pooled = projection.pooled(given)
    torch.testing.assert_close(pooled.values, (given.values[:, :, :4] + given.values[:, :, 4:]) / 2)
    torch.testing.assert_close(pooled.directions[0], torch.tensor([[40.0, 0], [15, 0], [-15, 0], [-40, 0]]))


def test_directions_become_harmonics_and_none_becomes_zeros():
    given = torch.tensor([[[30.0, -20.0], [torch.nan, torch.nan]]])
    found = direction_features(given, 2)
    azimuth, elevation = torch.tensor([30.0, -20.0]).deg2rad()
    angles = torch.stack([azimuth, 2 * azimuth, elevation, 2 * elevation])
    torch.testing.assert_close(found[0, 0], torch.cat([angles.sin(), angles.cos(), torch.ones(1)]))
    assert not found[0, 1].any()


@pytest.mark.parametrize("width", [0.5, 3.0])
def test_the_aligned_mean_is_a_weighted_mean_of_the_steps_within_reach(width: float) -> None:
    projected = TokenProjection("owlvit", PICTURE, cmc_config()).eval()(tokens()["owlvit"], 10)
    found = aligned_mean(projected, width)
    steps = torch.nn.functional.silu(projected.values).mean(dim=2)
    assert found.shape == (2, 10, steps.shape[2])
    for frame in range(10):
        within = steps[:, projected.allowed[0, frame]]
        assert (found[:, frame] <= within.amax(dim=1) + 1e-6).all()
        assert (found[:, frame] >= within.amin(dim=1) - 1e-6).all()
