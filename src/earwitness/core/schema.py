"""The base classes of all pydantic models: no NaN and no infinity, wherever a value comes from."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from earwitness.core.errors import shortened

DEEPEST: Final = 64


class StrictModel(BaseModel):
    """A recipe, a setting or a card: frozen; unknown fields, NaN and infinity are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DocumentModel(BaseModel):
    """A result document: frozen; NaN and infinity are errors, unknown fields are ignored.

    Older programs can so read what newer ones write.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def refuse_odd_values(values: dict[str, Any]) -> dict[str, Any]:
    """Refuse what JSON cannot say, NaN and infinity at any depth, and what nests too deep.

    Raises:
        ValueError: names the place.
    """
    waiting: list[tuple[tuple[object, ...], Any]] = [((), values)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"'{shortened('.'.join(map(str, place)), 60)}' is {value}; it must be a finite number")
        if len(place) > DEEPEST:
            raise ValueError(f"nests deeper than {DEEPEST}")
        if isinstance(value, dict):
            waiting += [((*place, key), part) for key, part in value.items()]
        elif isinstance(value, list | tuple):
            waiting += [((*place, number), part) for number, part in enumerate(value)]
    return values


PlainValues = Annotated[dict[str, Any], AfterValidator(refuse_odd_values)]
"""A field that keeps free-form values: the model's rule for numbers does not reach into them by itself."""


def first_problem(error: ValidationError, whole: str = "the file") -> str:
    """The first field that is wrong, and why, on one line; `whole` names the value itself."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(map(str, first["loc"])) or whole
    reason = "there is no such key" if first["type"] == "extra_forbidden" else first["msg"]
    return f"{shortened(field, 100)}: {shortened(reason)}"
