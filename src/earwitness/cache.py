"""Where files lie that can be made or fetched again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(part: str) -> Path:
    """Folder for one kind of such files: $EARWITNESS_CACHE/part, or `earwitness/part` in the user's cache folder."""
    chosen = os.environ.get("EARWITNESS_CACHE")
    if chosen:
        return Path(chosen) / part
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or str(Path.home() / ".cache")
    return Path(base) / "earwitness" / part
