from __future__ import annotations

import numpy as np
import pytest

from earwitness.fusion.explanation import candidate_summaries, explanations
from earwitness.fusion.fuse import fuse_long
from earwitness.fusion.fusion_settings import default_settings
from earwitness.vision.boxes import PERSON
from earwitness.vision.observe import Observation
from earwitness.vision.tracking.candidate_index import CandidateIndex, find_candidates
from long_film import FRAMES, events


def test_reasons_name_what_is_likeliest(observation: Observation) -> None:
    candidate_index = CandidateIndex(observation, 90.0)
    where = float(np.nanmedian(find_candidates(observation, 90.0)[1].azimuth[1]))
    fused = fuse_long(events((1, 1080, 1180, where)), candidate_index, 90.0, default_settings())
    ((key, reason),) = explanations(fused, candidate_index)
    assert (key.class_index, key.source, key.first_frame) == (1, 0, 1080)
    assert (reason.number, reason.label, reason.moves) == (1, PERSON, False)
    assert reason.apart < 5
    np.testing.assert_allclose(reason.box, [200, 40, 240, 140])
    _, first, *_ = candidate_summaries(candidate_index)
    assert (first.label, first.start, first.stop, first.sightings) == (PERSON, 0, FRAMES, FRAMES // 5)
    assert first.azimuth == pytest.approx(where)
    assert first.score == pytest.approx(0.7, abs=1e-3)
