from __future__ import annotations

import numpy as np
import pytest

from earwitness.fusion.evidence import gather, sounding_frames
from earwitness.fusion.posterior import log_odds
from fusion_cases import FRAMES, MALE, SETTINGS, heard, seen


def test_what_reaches_the_pictures_edge_says_so() -> None:
    (event,) = heard(20.0).events()
    sounds = sounding_frames(heard(20.0), MALE, FRAMES)
    evidence = gather(event, [seen(20.0, row=0.5), seen(20.0, row=0.9), seen(20.0, row=-0.1)], sounds, 5)
    # A mouth may be in the picture of somebody whose feet are not.
    np.testing.assert_allclose(evidence.framing, [(0.25, 0, 0), (0.1, 0, 0), (-0.1, 1, 0)], atol=1e-6)
    things = [seen(20.0, "motion", row=0.9), seen(20.0, "motion", row=-0.1)]
    np.testing.assert_allclose(gather(event, things, sounds, 5).framing, [(0.1, 0, 1), (-0.1, 1, 0)], atol=1e-6)


def test_evidence_of_motion_compares_with_the_silence_around() -> None:
    table = heard(20.0)
    (event,) = table.events()
    sounds = sounding_frames(table, MALE, FRAMES)
    in_step, always = seen(20.0, moving=range(5, 25)), seen(20.0, moving=range(30))
    evidence = gather(event, [in_step, always, seen(20.0, "music")], sounds, 5)
    assert len(evidence.candidates) == 2
    np.testing.assert_allclose(evidence.motion, 1)
    # Of ten silent frames and five usual ones, in a quarter of which things move.
    np.testing.assert_allclose(evidence.contrast, [1 - 1.25 / 15, 1 - 11.25 / 15])
    np.testing.assert_allclose(evidence.offset, 0)
    assert log_odds(evidence, MALE, SETTINGS)[0, 0] == pytest.approx(
        log_odds(evidence, MALE, SETTINGS)[1, 0] + 2.0 * 10 / 15
    )


def test_the_angle_is_averaged_over_a_window() -> None:
    wobbling = heard(0.0).with_columns(azimuth=np.where(np.arange(20) % 2, 25.0, 15.0))
    (event,) = wobbling.events()
    evidence = gather(event, [seen(20.0)], sounding_frames(wobbling, MALE, FRAMES), 5)
    assert np.abs(evidence.offset).max() < 1.7
