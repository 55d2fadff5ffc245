from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from earwitness.core.classes.class_files import vocabulary_of  # noqa: E402
from earwitness.core.errors import UsageError  # noqa: E402
from earwitness.core.events import EventTable  # noqa: E402
from earwitness.core.multi_accddoa import encode  # noqa: E402
from earwitness.core.vocabulary import DCASE2025, Vocabulary  # noqa: E402
from earwitness.detect.model.card import ModelCard  # noqa: E402
from earwitness.models.architectures import model_config  # noqa: E402
from earwitness.models.checkpoint import build  # noqa: E402
from earwitness.training.learn.class_columns import with_classes  # noqa: E402
from earwitness.training.learn.fold_estimate import UNKNOWN_THRESHOLD, FoldEstimate, estimate  # noqa: E402
from earwitness.training.learn.learn import LearnOptions, Learnt, combined  # noqa: E402
from earwitness.training.learn.learn_scenes import LearnScenes  # noqa: E402

BASE = ModelCard(name="base", features={}, model={}, thresholds=(0.5,) * 13)  # type: ignore[arg-type]
NEW = vocabulary_of(["kettle", "drill"], "mine")
WHOLE = combined(DCASE2025, NEW, beside=True)
FRAMES = 20


def scenes(net: Any, count: int = 36) -> LearnScenes:
    """The kettle sounds in every second scene, and the body's outputs show it."""
    rng = np.random.default_rng(0)
    tables = []
    frames = rng.normal(0, 1, (count, FRAMES, net.config.dim)).astype(np.float16)
    for number in range(count):
        sounds = number // 2 % 2 == 0
        frames[number, :, 0] = 6 if sounds else -6
        columns = {"frame": np.arange(FRAMES) if sounds else [], "class_index": 13, "azimuth": 0.0, "distance": 2.0}
        columns |= {"source": 0, "onscreen": False, "score": 1.0}
        tables.append(EventTable.from_mapping(columns, FRAMES, WHOLE))  # type: ignore[arg-type]
    targets = [encode(table) for table in tables]
    return LearnScenes(
        (frames, None, None), np.stack([one.active for one in targets]),
        np.stack([one.values for one in targets]).astype(np.float16), np.arange(count) % 2, tuple(tables),
    )  # fmt: skip


def network() -> Any:
    torch.manual_seed(1)
    config = {"architecture": "seld", "stem_width": 4, "stem_kernel": 3, "widths": (4, 8), "pools": ((5, 2), (1, 2)),
              "dim": 16, "heads": 2, "blocks": 1, "conv_kernel": 3, "ffn_mult": 2, "activity": "logit"}  # fmt: skip
    return with_classes(build(model_config(config)).eval(), DCASE2025, WHOLE)  # type: ignore[arg-type]


def test_single_recordings_have_no_estimate() -> None:
    net = network()
    found = estimate(net, scenes(net), WHOLE, {"kettle": 1, "drill": 1}, BASE, lambda folds, total: None)
    assert not found.f_score
    assert found.threshold == {"kettle": UNKNOWN_THRESHOLD, "drill": UNKNOWN_THRESHOLD}


def test_advice_names_the_weakest_classes_first() -> None:
    counts = {"kettle": 5, "drill": 1}
    estimated = FoldEstimate({}, {}, {}, {"kettle": 0.2}, {"kettle": 0.3}, {"kettle": "water_tap"})
    advice = Learnt(BASE, estimated, counts, WHOLE).advice()
    assert advice[0].startswith("3 more recordings of 'Drill'")
    assert advice[1] == (
        "5 more recordings of 'Kettle', of other objects or at other places; it is often taken for 'Water tap'"
    )
    good = FoldEstimate({}, {}, {}, {"kettle": 0.8, "drill": 0.7}, {}, {})
    assert not Learnt(BASE, good, counts, WHOLE).advice()


def test_options_are_checked_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must end in \.onnx"):
        LearnOptions(tmp_path / "mine.txt")
    options = LearnOptions(tmp_path / "mine.onnx")
    assert 0 < options.scenes_for(1) < options.scenes_for(5)
    many = vocabulary_of([f"class {number}" for number in range(195)], "many")
    with pytest.raises(UsageError, match="208 classes are too many"):
        combined(DCASE2025, many, beside=True)
    assert isinstance(combined(DCASE2025, many, beside=False), Vocabulary)
