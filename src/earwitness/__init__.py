"""earwitness: which sound events happen in a stereo video, when, from where, how far away, and in the picture or not.

>>> from earwitness import Detector
>>> Detector.load("default").detect("clip.mp4").events          # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from earwitness.core.version import __version__

if TYPE_CHECKING:
    from earwitness.detect.detector import Detector

__all__ = ["Detector", "__version__"]


def __getattr__(name: str) -> Any:
    """Import `Detector` when it is first asked for: `import earwitness` itself stays instant."""
    if name == "Detector":
        from earwitness.detect.detector import Detector

        return Detector
    raise AttributeError(f"module 'earwitness' has no attribute '{name}'")
