"""ONNX Runtime sessions on the CPU from a serialised graph, and extra outputs of a graph without the `onnx` package.

Two concatenated protocol buffers of the same message type are, by the format, one merged message, in which repeated
fields are concatenated. So outputs are added to a model by appending a model that contains only these outputs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final


def silent_onnxruntime() -> Any:
    """Import `onnxruntime` with its telemetry disabled.

    The official builds (1.32) send events to Microsoft by default, and store unsent events in the user's cache and the
    temporary folder. The environment variable disables this while the library loads, the call disables it afterwards.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


_GRAPH: Final = 7  # of ModelProto
_OUTPUT: Final = 12  # of GraphProto
_NAME, _TYPE = 1, 2  # of ValueInfoProto
_TENSOR: Final = 1  # of TypeProto
_ELEMENT: Final = 1  # of TypeProto.Tensor
_FLOAT: Final = 1
_LENGTH_DELIMITED: Final = 2


def with_outputs(model: bytes, names: Sequence[str]) -> bytes:
    """A serialised model whose float tensors `names` are additional outputs of any shape."""
    element = bytes([_ELEMENT << 3, _FLOAT])
    kind = _field(_TENSOR, element)
    outputs = b"".join(_field(_OUTPUT, _field(_NAME, name.encode()) + _field(_TYPE, kind)) for name in names)
    return model + _field(_GRAPH, outputs)


def _field(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def open_session(graph: bytes, threads: int, weights_folder: Path | None = None) -> Any:
    """Open a session.

    Args:
        graph: serialised model.
        threads: CPU threads of one call.
        weights_folder: folder of the files with the graph's external weights, if it has any.
    """
    onnxruntime = silent_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if weights_folder is not None:
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(weights_folder))
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
