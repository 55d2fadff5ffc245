"""earwitness: which sound events happen in a stereo video, when, from where, how far away, and in the picture or not.

>>> from earwitness import Detector
>>> Detector.load("default").detect("clip.mp4").events          # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from earwitness.core.version import __version__

if TYPE_CHECKING:
    from earwitness.detect.detector import Detector
    from earwitness.results.detection import Detection
    from earwitness.results.saved import read_result

__all__ = ["Detection", "Detector", "__version__", "read_result"]

_HOMES = {
    "Detection": "earwitness.results.detection",
    "Detector": "earwitness.detect.detector",
    "read_result": "earwitness.results.saved",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for: `import earwitness` itself stays instant."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'earwitness' has no attribute '{name}'")


def __dir__() -> list[str]:
    """The public names, also those that are not imported yet, so that Tab completes them."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
