"""Files that no visitor of the page uploaded, and the ways to ask for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SECRET = b"the secret of another file"


def file_data(path: str) -> dict[str, Any]:
    """How pages made with Gradio name an upload."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": "x.wav", "size": 1}


def names_of(path: Path) -> list[str]:
    return [
        str(path),
        f"file://{path}",
        f"../../../../../..{path}",
        "/dev/zero",
        str(path.parent),
        "http://127.0.0.1:1/x",
    ]
