from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from earwitness.core.schema import StrictModel
from earwitness.training.recipe import Recipe
from earwitness.training.recipe_sections import AugmentSpec, DataSpec, LossSpec, OptimSpec, RunSpec


@pytest.mark.parametrize("section", [AugmentSpec, DataSpec, LossSpec, OptimSpec, RunSpec])
def test_sections_are_frozen_and_read_their_own_dump(section: type[StrictModel]) -> None:
    made = section()
    assert section.model_validate(made.model_dump(mode="json")) == made
    with pytest.raises(ValidationError):
        section.model_validate({"nosuch": 1})
    with pytest.raises(ValidationError):
        setattr(made, next(iter(section.model_fields)), None)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\nb", "x" * 201, "\0"])
def test_a_name_must_be_able_to_name_a_folder(name: str) -> None:
    with pytest.raises(ValidationError):
        Recipe.model_validate({"name": name})


@pytest.mark.parametrize("path", ["", "a\0b", "x" * 4097])
def test_a_path_must_be_able_to_be_one(path: str) -> None:
    with pytest.raises(ValidationError, match="a path is text"):
        DataSpec.model_validate({"folders": [{"root": path}]})


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (OptimSpec, {"peak": -1e-3}), (OptimSpec, {"warmup": 1.5}), (OptimSpec, {"peak": float("nan")}),
        (RunSpec, {"steps": 0}), (RunSpec, {"batch": 0}), (RunSpec, {"seed": 2**63}), (RunSpec, {"seed": -1}),
        (LossSpec, {"direction": float("inf")}), (DataSpec, {"bank_weight": -1.0}),
        (DataSpec, {"folders": [{"root": "a", "weight": 0}]}),
        (DataSpec, {"tokens": {"sound": {"encoder": "clap", "rate": 0}}}),
    ],
)  # fmt: skip
def test_numbers_out_of_their_bounds_are_refused(section: type[StrictModel], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        section.model_validate(values)


@pytest.mark.parametrize(("value", "accepted"), [(2**63 - 1, True), (2**63, False)])
def test_seeds_end_where_those_of_torch_end(value: int, accepted: bool) -> None:
    if accepted:
        assert RunSpec(seed=value).seed == value
    else:
        with pytest.raises(ValidationError):
            RunSpec(seed=value)
