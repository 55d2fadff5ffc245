"""A session of ONNX Runtime on one processor, from a serialised graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from earwitness.telemetry import silent_onnxruntime


def open_session(graph: bytes, threads: int, weights_folder: Path | None = None) -> Any:
    """Open a graph.

    Args:
        graph: serialised model.
        threads: processor threads of one call.
        weights_folder: where a graph that keeps its weights in other files has them.
    """
    onnxruntime = silent_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if weights_folder is not None:
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(weights_folder))
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
