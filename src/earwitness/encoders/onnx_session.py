"""ONNX files: checked before ONNX Runtime opens them, extended by outputs, and opened as sessions on the CPU.

ONNX files can refer to other files for their weights, loop forever, and define nested functions. No model used here
needs that: only own weights and a finite graph are accepted. The file is a protocol buffer; the parser does not need
the `onnx` package and builds no objects: it skips from field to field and reads only the relevant ones.

Two concatenated protocol buffers of the same message type are, by the format, one merged message, in which repeated
fields are concatenated. So outputs are added to a model by appending a model that contains only these outputs.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from earwitness.core.errors import EarwitnessError, shortened

MOST_BYTES: Final = 2**30
"""Maximum size of a model; ONNX itself allows twice as much in one file."""
MOST_NODES: Final = 200_000
DEEPEST: Final = 8
"""Maximum nesting of graphs: branches of `If`."""
REFUSED: Final = frozenset(
    {"Loop", "Scan", "SequenceMap", "BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch", "EPContext"}
)
DOMAINS: Final = frozenset({"", "ai.onnx", "com.microsoft"})

# Field numbers of onnx.proto.
_GRAPH, _TRAINING, _FUNCTIONS = 7, 20, 25  # of ModelProto
_NODE, _INITIALIZER, _SPARSE_INITIALIZER = 1, 5, 15  # of GraphProto
_OP_TYPE, _ATTRIBUTE, _DOMAIN = 4, 5, 7  # of NodeProto
_TENSOR, _SUBGRAPH, _TENSORS, _SUBGRAPHS, _SPARSE, _SPARSES = 5, 6, 10, 11, 22, 23  # of AttributeProto
_VALUES, _INDICES = 1, 2  # of SparseTensorProto
_DIMS, _NAME, _EXTERNAL, _LOCATION = 1, 8, 13, 14  # of TensorProto
_KEY, _VALUE = 1, 2  # of StringStringEntryProto
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _Field(NamedTuple):
    number: int
    kind: int
    value: int
    data: memoryview


class _Graphs:
    """Counts over all graphs of a file."""

    def __init__(self, external: Collection[str]) -> None:
        self.external, self.nodes = external, 0


def check_onnx(contents: bytes, where: str, error: type[EarwitnessError], external: Collection[str] = ()) -> None:
    """Check that a serialised model is safe to open.

    Args:
        contents: contents of the .onnx file.
        where: name of the file, for messages.
        error: class of the error to raise.
        external: names of the files in the same folder that may hold its weights, for models published in that form.

    Raises:
        error: it is not a protocol buffer, is too large, has weights in other files, loops, functions or
            non-standard operators.
    """
    try:
        if len(contents) > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
        graphs = 0
        counted = _Graphs(external)
        for field in _fields(memoryview(contents)):
            if field.number in (_FUNCTIONS, _TRAINING):
                raise ValueError("it defines functions of its own; export it for inference, with functions inlined")
            if field.number == _GRAPH:
                graphs += 1
                _check_graph(_message(field), counted, 1)
        if not graphs:
            raise ValueError("it holds no graph")
    except (ValueError, IndexError) as problem:
        raise error(f"{where}: not a usable ONNX model ({problem})") from None


def _check_graph(graph: memoryview, counted: _Graphs, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"its graphs nest deeper than {DEEPEST}")
    for field in _fields(graph):
        if field.number == _NODE:
            _check_node(_message(field), counted, depth)
        elif field.number == _INITIALIZER:
            _check_tensor(_message(field), counted)
        elif field.number == _SPARSE_INITIALIZER:
            _check_sparse(_message(field), counted)


def _check_node(node: memoryview, counted: _Graphs, depth: int) -> None:
    counted.nodes += 1
    if counted.nodes > MOST_NODES:
        raise ValueError(f"it has more than {MOST_NODES:,} nodes")
    for field in _fields(node):
        if field.number == _OP_TYPE and _text(field) in REFUSED:
            raise ValueError(f"it has a '{_text(field)}', which may never end or may read other files")
        if field.number == _DOMAIN and _text(field) not in DOMAINS:
            raise ValueError(f"it needs operators of '{shortened(_text(field), 60)}', which are not standard ones")
        if field.number == _ATTRIBUTE:
            _check_attribute(_message(field), counted, depth)


def _check_attribute(attribute: memoryview, counted: _Graphs, depth: int) -> None:
    for field in _fields(attribute):
        if field.number in (_TENSOR, _TENSORS) and field.kind == _BYTES:
            _check_tensor(field.data, counted)
        elif field.number in (_SUBGRAPH, _SUBGRAPHS) and field.kind == _BYTES:
            _check_graph(field.data, counted, depth + 1)
        elif field.number in (_SPARSE, _SPARSES) and field.kind == _BYTES:
            _check_sparse(field.data, counted)


def _check_sparse(tensor: memoryview, counted: _Graphs) -> None:
    size = 1
    for field in _fields(tensor):
        if field.number in (_VALUES, _INDICES):
            _check_tensor(_message(field), counted)
        else:  # its dimensions: ONNX Runtime expands it to a dense tensor
            for length in _numbers(field):
                size *= max(1, length)
    if size > MOST_BYTES:
        raise ValueError("a sparse tensor would take more memory than any model")


def _check_tensor(tensor: memoryview, counted: _Graphs) -> None:
    location: str | None = None
    is_external = False
    for field in _fields(tensor):
        if field.number == _LOCATION:
            is_external = is_external or field.value != 0
        elif field.number == _EXTERNAL:
            is_external = True
            entry = {part.number: _text(part) for part in _fields(_message(field))}
            if entry.get(_KEY) == "location":
                location = entry.get(_VALUE, "")
                if location not in counted.external:
                    break
    if is_external and location not in counted.external:
        named = "another file" if location is None else f"'{shortened(location, 60)}'"
        raise ValueError(f"it keeps weights in {named}; export it as a single file")


def _fields(data: memoryview) -> Iterator[_Field]:
    """The fields of a message.

    Raises:
        ValueError, IndexError: the data is not a message.
    """
    place, end = 0, len(data)
    while place < end:
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        value, length = 0, 0
        if kind == _VARINT:
            value, place = _varint(data, place)
        elif kind == _BYTES:
            length, place = _varint(data, place)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError("it is damaged, or no ONNX file")
        if not number or place + length > end:
            raise ValueError("it is damaged, or no ONNX file")
        yield _Field(number, kind, value, data[place : place + length])
        place += length


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("it is damaged, or no ONNX file")


def _numbers(field: _Field) -> Iterator[int]:
    """Integers of a repeated field, packed or not."""
    if field.kind == _VARINT:
        yield field.value
    place = 0
    while field.kind == _BYTES and place < len(field.data):
        value, place = _varint(field.data, place)
        yield value


def _message(field: _Field) -> memoryview:
    if field.kind != _BYTES:
        raise ValueError("it is damaged, or no ONNX file")
    return field.data


def _text(field: _Field) -> str:
    return bytes(_message(field)).decode("utf-8", "replace")


def silent_onnxruntime() -> Any:
    """Import `onnxruntime` with its telemetry disabled.

    The official builds (1.32) send events to Microsoft by default, and store unsent events in the user's cache and the
    temporary folder. The environment variable disables this while the library loads, the call disables it afterwards.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


_GRAPH_FIELD: Final = 7  # of ModelProto
_ADDED_OUTPUT: Final = 12  # of GraphProto
_ADDED_NAME, _ADDED_TYPE = 1, 2  # of ValueInfoProto
_TENSOR_TYPE: Final = 1  # of TypeProto
_ELEMENT_TYPE: Final = 1  # of TypeProto.Tensor
_FLOAT_ELEMENT: Final = 1
_LENGTH_DELIMITED: Final = 2


def with_outputs(model: bytes, names: Sequence[str]) -> bytes:
    """A serialised model whose float tensors `names` are additional outputs of any shape."""
    element = bytes([_ELEMENT_TYPE << 3, _FLOAT_ELEMENT])
    kind = _field(_TENSOR_TYPE, element)
    outputs = b"".join(
        _field(_ADDED_OUTPUT, _field(_ADDED_NAME, name.encode()) + _field(_ADDED_TYPE, kind)) for name in names
    )
    return model + _field(_GRAPH_FIELD, outputs)


def _field(number: int, payload: bytes) -> bytes:
    return _encoded_varint(number << 3 | _LENGTH_DELIMITED) + _encoded_varint(len(payload)) + payload


def _encoded_varint(value: int) -> bytes:
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
