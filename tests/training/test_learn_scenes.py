from __future__ import annotations

import csv
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pyroomacoustics")

from earwitness.core.classes.class_files import vocabulary_of  # noqa: E402
from earwitness.core.vocabulary import DCASE2025  # noqa: E402
from earwitness.features import FeatureConfig  # noqa: E402
from earwitness.models.architectures import model_config  # noqa: E402
from earwitness.models.checkpoint import build  # noqa: E402
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool  # noqa: E402
from earwitness.scenes.bank.bank_check import unusable_sounds  # noqa: E402
from earwitness.scenes.bank.bank_sound import licence_family  # noqa: E402
from earwitness.scenes.bank.sound_bank import SoundBank  # noqa: E402
from earwitness.scenes.sampling.sampler import SceneConfig  # noqa: E402
from earwitness.training.learn import learn_scenes  # noqa: E402
from earwitness.training.learn.learn import combined  # noqa: E402
from earwitness.training.learn.learn_scenes import (  # noqa: E402
    NEW_SHARE,
    SceneJob,
    read_scenes,
    render_scenes,
    scene_config,
    shipped_sounds,
)

FOLDER = Path(str(files("earwitness") / "assets" / "learn"))
FREE = {"cc0", "ccby", "mit", "apache", "publicdomain", "bsd"}


def test_every_shipped_recording_is_usable_and_credited() -> None:
    bank = SoundBank.open(FOLDER)
    assert not unusable_sounds(bank)
    assert not bank.missing
    rows = list(csv.DictReader((FOLDER / "CREDITS.csv").open(encoding="utf-8")))
    assert {row["file"] for row in rows} == {sound.name for sound in bank.sounds}
    assert all(any(licence_family(row["licence"]).startswith(free) for free in FREE) for row in rows)
    assert all(row["attribution"] for row in rows)
    assert sum(path.stat().st_size for path in FOLDER.rglob("*.ogg")) < 2e6


def test_classes_that_the_model_does_not_keep_are_interference() -> None:
    new = vocabulary_of(["kettle", "bell"], "mine")
    beside = {sound.kind for sound in shipped_sounds(combined(DCASE2025, new, beside=True))}
    replaced = {sound.kind for sound in shipped_sounds(combined(DCASE2025, new, beside=False))}
    assert beside == {*DCASE2025.slugs, "background", "interference"}
    assert replaced == {"bell", "background", "interference"}


def test_new_classes_are_more_frequent_than_the_others() -> None:
    new = vocabulary_of(["kettle", "bell"], "mine")
    weights = scene_config(new, combined(DCASE2025, new, beside=True)).class_weights
    assert len(weights) == 14
    assert abs(weights[11] + weights[13] - NEW_SHARE) < 1e-9
    assert scene_config(new, combined(DCASE2025, new, beside=False)).class_weights == ()


class _StoppedError(Exception):
    """The user has stopped the run."""


def stop_after(scenes: int) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if done >= scenes:
            raise _StoppedError

    return progress


def ignore(done: int, total: int) -> None:
    pass


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SceneJob:
    monkeypatch.setattr(learn_scenes, "body_network", lambda base, features: small_network())
    rooms = PoolConfig(rooms=1, positions=4, paths=1, path_points=3)
    RirPool.open(rooms, tmp_path / "rooms")
    bank = SoundBank(FOLDER, tuple(shipped_sounds(DCASE2025)))
    return SceneJob((bank, bank), SceneConfig(), "default", FeatureConfig(), rooms, 1, tmp_path / "rooms")


def small_network() -> Any:
    torch.manual_seed(3)
    config = {"architecture": "seld", "stem_width": 4, "stem_kernel": 3, "widths": (4, 8), "pools": ((5, 2), (1, 2)),
              "dim": 16, "heads": 2, "blocks": 1, "conv_kernel": 3, "ffn_mult": 2, "activity": "logit",
              "in_channels": len(FeatureConfig().channels), "mels": FeatureConfig().mels}  # fmt: skip
    return build(model_config(config)).eval()  # type: ignore[arg-type]


def test_interrupted_rendering_continues_with_the_same_scenes(job: SceneJob, tmp_path: Path) -> None:
    whole = render_scenes(job, 10, tmp_path / "whole", 1, ignore)
    parts = tmp_path / "parts"
    with pytest.raises(_StoppedError):
        render_scenes(job, 10, parts, 1, stop_after(8))
    (first,) = parts.glob("*.npz")
    (parts / "000008.npz").write_bytes(first.read_bytes()[:1000])  # damaged, and of eight scenes where two belong
    before, seen = first.stat().st_mtime_ns, []
    continued = render_scenes(job, 10, parts, 1, lambda done, total: seen.append((done, total)))
    assert seen == [(8, 10), (10, 10)]
    assert first.stat().st_mtime_ns == before
    for one, other in zip((*whole.bodies, whole.active), (*continued.bodies, continued.active), strict=True):
        np.testing.assert_array_equal(one, other)  # type: ignore[arg-type]
    np.testing.assert_array_equal(whole.values, continued.values)
    assert [len(table) for table in whole.references] == [len(table) for table in continued.references]
    assert all(a.same_as(b) for a, b in zip(whole.references, continued.references, strict=True))
    assert whole.fold.tolist() == [0, 1] * 5
    assert read_scenes(first, 8, combined(DCASE2025, vocabulary_of(["kettle"], "new"), beside=True)) is None
