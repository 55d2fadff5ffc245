from __future__ import annotations

import pickle
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from earwitness.scenes import PoolConfig, SceneConfig
from earwitness.scenes.writing.scene_clips import RenderJob

JOB = RenderJob(Path("bank"), Path("out"), 1, None, PoolConfig(rooms=1), SceneConfig(preset="starss"))


def test_jobs_are_picklable_and_equal_jobs_have_equal_hashes() -> None:
    copy = pickle.loads(pickle.dumps(JOB))
    assert copy == JOB
    assert hash(copy) == hash(JOB)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2}, {"video": True}, {"fps": Fraction(2)}, {"cutouts": Path("a")}, {"measured": Path("b")},
        {"scene": SceneConfig()}, {"rooms": PoolConfig(rooms=1, seed=3)}, {"cache": Path("c")},
    ],
)  # fmt: skip
def test_every_field_enters_the_hash(change: dict[str, object]) -> None:
    other = replace(JOB, **change)
    assert other != JOB
    assert hash(other) != hash(JOB)


def test_scene_seeds_depend_on_the_seed_and_the_number() -> None:
    states = {tuple(replace(JOB, seed=seed).scene_seed(index).generate_state(2)) for seed in (1, 2) for index in (0, 1)}
    assert len(states) == 4
    assert tuple(JOB.scene_seed(1).generate_state(2)) in states
