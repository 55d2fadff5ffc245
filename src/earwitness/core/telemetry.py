"""Disables the telemetry of libraries."""

from __future__ import annotations

import os
from typing import Any


def silent_onnxruntime() -> Any:
    """Import `onnxruntime` with its telemetry disabled.

    The official builds (1.32) send events to Microsoft by default, and store unsent events in the user's cache and the
    temporary folder. The environment variable disables this while the library loads, the call disables it afterwards.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime
