"""Annotated videos."""

from __future__ import annotations

from typing import Final, Literal

MarkerStyle = Literal["clean", "broadcast"]
MARKER_STYLES: Final[tuple[MarkerStyle, ...]] = ("clean", "broadcast")
