from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("torch")

from earwitness.core.classes.class_files import vocabulary_of
from earwitness.core.errors import UsageError
from earwitness.core.vocabulary import DCASE2025
from earwitness.training.learn.learn import LearnOptions, Learnt, combined

MINE = vocabulary_of(["kettle", "bell", "drill"], "mine")


def test_new_classes_stand_beside_those_of_the_model_or_in_their_place() -> None:
    beside = combined(DCASE2025, MINE, beside=True)
    assert beside.slugs == (*DCASE2025.slugs, "drill", "kettle") or beside.slugs == (
        *DCASE2025.slugs, "kettle", "drill")  # fmt: skip
    assert [one.index for one in beside] == list(range(15))
    assert combined(DCASE2025, MINE, beside=False).slugs == MINE.slugs


def test_too_many_classes_name_the_way_out() -> None:
    many = vocabulary_of([f"sound{number}" for number in range(190)], "many")
    with pytest.raises(UsageError, match="203 classes"):
        combined(DCASE2025, many, beside=True)
    assert len(combined(DCASE2025, many, beside=False)) == 190


def test_more_classes_get_more_scenes_up_to_a_limit(tmp_path: Path) -> None:
    options = LearnOptions(tmp_path / "mine.onnx")
    numbers = [options.scenes_for(count) for count in (1, 5, 200)]
    assert numbers[0] < numbers[1] <= numbers[2]
    assert LearnOptions(tmp_path / "mine.onnx", scenes=30).scenes_for(200) == 30
    with pytest.raises(UsageError, match="must end in"):
        LearnOptions(tmp_path / "mine.pt")


def test_advice_names_what_is_weakest_first() -> None:
    vocabulary = combined(DCASE2025, MINE, beside=True)
    found = SimpleNamespace(f_score={"kettle": 0.1, "drill": 0.9}, taken_for={"kettle": "water_tap"})
    learnt = Learnt(cast(Any, None), cast(Any, found), {"kettle": 5, "drill": 5, "bell": 1}, vocabulary)
    advice = learnt.advice()
    assert len(advice) == 2  # what is detected well needs nothing
    assert "Bell" in advice[0]  # one recording gives no estimate
    assert "often taken for 'Water tap'" in advice[1]
