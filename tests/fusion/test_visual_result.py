from __future__ import annotations

import numpy as np
import pytest

from earwitness.fusion.fuse import fuse_long
from earwitness.fusion.fusion_settings import default_settings
from earwitness.fusion.visual_result import BOX_TOLERANCE, candidate_summaries, explanations, key_rows
from earwitness.vision.boxes import PERSON
from earwitness.vision.candidates import CandidateIndex, find_candidates
from earwitness.vision.observe import Observation
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


def test_key_boxes_give_all_boxes() -> None:
    frames = np.arange(0, 200, 5, dtype=np.int32)
    left = np.interp(frames, [0, 60, 100, 195], [10, 200, 200, 90])
    boxes = np.stack([left, 0 * left + 20, left + 40, 0 * left + 120], axis=1).astype(np.float32)
    keys = key_rows(frames, boxes)
    assert len(keys) <= 6
    again = np.interp(frames, frames[keys], boxes[keys, 0])
    assert np.abs(again - left).max() <= BOX_TOLERANCE * 100
    assert key_rows(frames[:1], boxes[:1]).tolist() == [0]
    assert key_rows(frames, np.tile(boxes[:1], (len(frames), 1))).tolist() == [0, len(frames) - 1]
