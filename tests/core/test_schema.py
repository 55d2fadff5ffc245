from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import earwitness
from earwitness.core.schema import DocumentModel, PlainValues, StrictModel, first_problem
from earwitness.results.document import Document


def all_models() -> list[type[BaseModel]]:
    """Every pydantic model of the package that can be imported here."""
    for module in pkgutil.walk_packages(earwitness.__path__, "earwitness."):
        if "assets" not in module.name and not module.name.startswith(("earwitness.cli", "earwitness.serve")):
            importlib.import_module(module.name)
    found: list[type[BaseModel]] = []
    waiting = [BaseModel]
    while waiting:
        kinds = waiting.pop().__subclasses__()
        waiting += kinds
        found += [kind for kind in kinds if kind.__module__.startswith("earwitness.")]
    return found


def test_every_model_forbids_nan_and_all_but_documents_forbid_unknown_fields() -> None:
    models = all_models()
    assert len(models) > 30
    for model in models:
        assert model.model_config.get("allow_inf_nan") is False, model
        assert model.model_config.get("frozen") is True, model
        allowed = {"ignore", "allow"} if issubclass(model, DocumentModel) else {"forbid"}
        assert model.model_config.get("extra") in allowed, model


class Sample(StrictModel):
    """A model with numbers at several depths."""

    number: float = 0.0
    numbers: tuple[float, ...] | None = None
    plain: PlainValues = {}  # noqa: RUF012 - pydantic copies it


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"number": %s}', "number"),
        ('{"numbers": [1, %s]}', "numbers"),
        ('{"plain": {"a": {"b": [1, %s]}}}', "a.b.1"),
    ],
)
def test_nan_is_refused_by_field_at_every_depth(text: str, field: str, bad: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate_json(text % bad)
    assert field in first_problem(caught.value)


def test_deep_and_unknown_values_are_refused_on_one_line() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"a": deep}
    for values, said in (({"plain": deep}, "nests deeper"), ({"other": 1}, "other: there is no such key")):
        with pytest.raises(ValidationError) as caught:
            Sample.model_validate(values)
        assert said in first_problem(caught.value)
    with pytest.raises(ValidationError) as caught:
        Document.model_validate_json(b"[" * 100_000)
    assert "\n" not in first_problem(caught.value)
