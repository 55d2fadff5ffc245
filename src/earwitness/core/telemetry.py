"""Libraries that report to their makers, told not to."""

from __future__ import annotations

import os
from typing import Any


def silent_onnxruntime() -> Any:
    """The module `onnxruntime`, which reports nothing.

    Its official builds (1.32) send events to their maker unless told otherwise, and keep those that could not be sent
    in the user's cache and the temporary folder. The variable counts when the library begins, the call from then on.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime
