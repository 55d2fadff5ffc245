from __future__ import annotations

import numpy as np
import pytest
import torch

from earwitness.core.errors import LabelError
from earwitness.core.multi_accddoa import encode, ideal_output
from earwitness.detect.smoothing import Smoothing
from earwitness.models.checkpoint import build
from earwitness.training.data.clip_stream import SceneStream
from earwitness.training.loop.validate import ValidSet, decode_outputs, score_outputs, validate
from fakes import open_tones, tiny_recipe


def stream() -> SceneStream:
    return SceneStream(open_tones, tiny_recipe().features, seed=3, swap="none")


def test_outputs_are_physical_and_leave_the_mode_alone() -> None:
    valid = ValidSet.render(stream(), 3)
    torch.manual_seed(0)
    model = build(tiny_recipe().model).train()
    outputs = valid.outputs(model)
    assert outputs.shape == (3, 10, 3, 13, 4)
    assert model.training
    assert (outputs[..., 2] > 0).all()
    assert ((outputs[..., 3] >= 0) & (outputs[..., 3] <= 1)).all()
    np.testing.assert_array_equal(outputs, valid.outputs(model.eval()))


def test_ideal_outputs_score_1_and_smoothing_drops_short_events() -> None:
    references = ValidSet.render(stream(), 4).references
    outputs = np.stack([ideal_output(encode(table)) for table in references])
    assert score_outputs(outputs, references, 0.5).micro.f_score == pytest.approx(1.0)
    longest = Smoothing(fill_gap_frames=0, min_event_frames=11, median_azimuth_frames=0)
    assert sum(map(len, decode_outputs(outputs, 0.5, longest))) == 0


def test_the_best_threshold_is_chosen() -> None:
    valid = ValidSet.render(stream(), 4)
    torch.manual_seed(0)
    model = build(tiny_recipe().model)
    scores, threshold = validate(model, valid, (0.05, 0.9))
    each = {value: score_outputs(valid.outputs(model), valid.references, value) for value in (0.05, 0.9)}
    assert scores.macro.f_score == max(one.macro.f_score for one in each.values())
    assert each[threshold].macro.f_score == scores.macro.f_score


def test_a_stream_without_clips_is_an_error() -> None:
    with pytest.raises(LabelError, match="no clips to validate on"):
        ValidSet.render(stream(), 0)
