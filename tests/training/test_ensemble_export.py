from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="tuning needs torch (extra 'train')")

from ablation_sets import write_set
from earwitness.core.errors import LabelError
from earwitness.detect.model.card import ModelCard
from earwitness.features import FeatureConfig
from earwitness.training.export.ensemble_export import export_ensemble, run_clips


class Watching:
    """Says 0.7 ahead where it has pictures, and fills up the last frames."""

    card = ModelCard(name="watching", features=FeatureConfig(), model={}, thresholds=(0.5,) * 13)
    settings: dict[str, Any] = {}  # noqa: RUF012 - as the protocol has it

    def __init__(self, video: Path | None = None) -> None:
        self.video = video

    def at(self, video: Path | None, *, mirrored: bool = False) -> Watching:
        return Watching(video)

    def outputs(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
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
    with pytest.raises(LabelError, match="a single clip is not enough"):
        export_ensemble([str(meter_model)], tmp_path / "x.ensemble", valid=root)
    assert not (tmp_path / "x.ensemble").exists()
