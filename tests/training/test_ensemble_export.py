from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="tuning needs torch (extra 'train')")

from ablation_sets import write_set
from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import encode, ideal_output
from earwitness.detect.model.card import ModelCard
from earwitness.features import FeatureConfig
from earwitness.training.export.ensemble_export import combine_clips, export_ensemble, run_clips, tune_weights


class Watching:
    """Says 0.7 ahead where it has pictures, and fills up the last frames."""

    card = ModelCard(name="watching", features=FeatureConfig(), model={}, thresholds=(0.5,) * 13)
    settings: dict[str, Any] = {}  # noqa: RUF012 - as the protocol has it

    def __init__(self, video: Path | None = None) -> None:
        self.video = video

    def at(self, video: Path | None, *, mirrored: bool = False) -> Watching:
        return Watching(video)

    def outputs(self, blocks: Iterable[np.ndarray], *, any_sound: bool = False) -> Iterator[np.ndarray]:
        output = np.zeros((25, 3, 13, 4), np.float32)
        output[..., 0] = 0.7 if self.video is not None else 0.1
        assert sum(block.shape[1] for block in blocks) == 120_000
        yield from (output, output, output)


def test_members_hear_each_clip_with_its_pictures(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set", 3, 7)
    pictures = root / "video_dev" / "dev-train-synth"
    pictures.mkdir(parents=True)
    (pictures / "fold1_room7_mix001_deg000_start0000.mp4").write_bytes(b"looked at by nobody")
    heard = run_clips([Watching(), Watching()], root)
    assert [output.shape for output in heard.outputs] == [(3, 50, 3, 13, 4)] * 2
    np.testing.assert_allclose(heard.outputs[1][:, 0, 0, 0, 0], [0.1, 0.7, 0.1])
    assert len(heard.references) == 3
    assert all(len(table) for table in heard.references)


def test_a_set_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError):
        run_clips([Watching()], tmp_path)


def test_a_single_clip_cannot_choose_and_judge(tmp_path: Path, meter_model: Path) -> None:
    root = write_set(tmp_path / "valid", 1, 7)
    with pytest.raises(LabelError, match="holds one clip"):
        export_ensemble([str(meter_model)], tmp_path / "x.ensemble", valid=root)
    assert not (tmp_path / "x.ensemble").exists()


def table(seed: int) -> EventTable:
    rng = np.random.default_rng(seed)
    frames = np.arange(2, 9)
    return EventTable.from_columns(
        frame=frames, class_index=np.full(7, seed % 13), azimuth=np.full(7, rng.uniform(-80, 80)),
        distance=np.full(7, 2.0), onscreen=np.zeros(7, bool), num_frames=10,
    )  # fmt: skip


REFERENCES = tuple(table(seed) for seed in range(26))
TRUTH = np.stack([ideal_output(encode(reference)) for reference in REFERENCES])


def test_a_member_that_only_disturbs_loses_its_weight() -> None:
    noise = np.random.default_rng(1).normal(size=TRUTH.shape).astype(np.float32)
    noise[..., 2:] = 1
    tuned = tune_weights([TRUTH, noise], REFERENCES)
    assert tuned.f_score > tuned.equal_f_score
    assert tuned.weights[0] > 2 * tuned.weights[1]
    assert sum(tuned.weights) == 1


def test_equal_weights_stay_where_nothing_is_gained() -> None:
    tuned = tune_weights([TRUTH, TRUTH[:, :, [2, 0, 1]]], REFERENCES)
    assert tuned.weights == (0.5, 0.5)
    assert tuned.f_score == tuned.equal_f_score == 1.0
    assert tune_weights([TRUTH], REFERENCES).weights == (1.0,)


def test_clips_are_combined_one_by_one() -> None:
    whole = combine_clips([TRUTH, np.zeros_like(TRUTH)], (3, 1))
    assert whole.shape == TRUTH.shape
    np.testing.assert_allclose(np.hypot(whole[..., 0], whole[..., 1]).max(axis=(1, 2, 3)), 0.75, atol=1e-6)
