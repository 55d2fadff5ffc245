"""Base classes of all pydantic models; they reject NaN and infinity."""

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

    This way older versions can read the documents of newer ones.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


def refuse_odd_values(values: dict[str, Any]) -> dict[str, Any]:
    """Reject NaN and infinity at any depth, and values that are nested too deeply.

    Raises:
        ValueError: the message names the key.
    """
    waiting: list[tuple[tuple[object, ...], Any]] = [((), values)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"'{shortened('.'.join(map(str, place)), 60)}' is {value}; it must be a finite number")
        if len(place) > DEEPEST:
            raise ValueError(f"nests deeper than {DEEPEST} levels")
        if isinstance(value, dict):
            waiting += [((*place, key), part) for key, part in value.items()]
        elif isinstance(value, list | tuple):
            waiting += [((*place, number), part) for number, part in enumerate(value)]
    return values


PlainValues = Annotated[dict[str, Any], AfterValidator(refuse_odd_values)]
"""A field of free-form values; pydantic's own rule against NaN does not apply to nested values."""


def first_problem(error: ValidationError, whole: str = "the file") -> str:
    """The first invalid field and the reason, on one line; `whole` is the name used for the value itself."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(map(str, first["loc"])) or whole
    reason = "there is no such key" if first["type"] == "extra_forbidden" else first["msg"]
    return f"{shortened(field, 100)}: {shortened(reason)}"
