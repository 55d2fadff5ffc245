"""Ways to show, convert and write a result, by name: their code lies in rooms above and is imported when used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

VIEWS: Final[Mapping[str, str]] = {
    "text": "earwitness.export.tables.views:result_text",
    "html": "earwitness.export.tables.views:result_html",
    "pandas": "earwitness.export.tables.data_frames:to_data_frame",
    "plot": "earwitness.render.timeline_picture:result_plot",
    "save": "earwitness.batch.saving:save",
    "select": "earwitness.results.selection:select",
}
"""Module and function of each; every function takes a `Detection` first."""


def result_view(name: str) -> Callable[..., Any]:
    """Import and return the function of a view."""
    module, _, function = VIEWS[name].partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found
