"""The values of recipes, each with its bounds: beyond them lie slips of the keyboard, and what overflows."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

Share = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
"""What torch takes."""
Count = Annotated[int, Field(ge=1, le=10_000)]
MaybeCount = Annotated[int, Field(ge=0, le=10_000)]
Steps = Annotated[int, Field(ge=1, le=100_000_000)]
"""More than any training takes."""
Weight = Annotated[float, Field(ge=0, le=1e6)]
PositiveWeight = Annotated[float, Field(gt=0, le=1e6)]
Decibels = Annotated[float, Field(ge=0, le=120)]


def _nameable(name: str) -> str:
    """Refuse what cannot name a folder or a file."""
    if not name.isprintable() or name in (".", "..") or set(name) & set("/\\") or len(name.encode()) > 200:
        raise ValueError("a name is printable text without slashes, at most 200 bytes: it names the run's folder")
    return name


def _path(text: str) -> str:
    """Refuse what no path can be."""
    if not text or "\0" in text or len(text.encode("utf-8", "surrogatepass")) > 4096:
        raise ValueError("a path is text without null characters, at most 4096 bytes")
    return text


Name = Annotated[str, Field(min_length=1), AfterValidator(_nameable)]
PathText = Annotated[str, AfterValidator(_path)]
