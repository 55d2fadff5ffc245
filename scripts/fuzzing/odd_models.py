"""ONNX files and ensembles that ask for more than a model may."""

from __future__ import annotations

import hashlib
import json
import random
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from fuzzing.odd_values import ODD_TEXTS, changed


def onnx_models(chance: random.Random, valid: Path, folder: Path) -> Path:
    """A small graph with loops, other files, absurd shapes, deep nesting, functions, or the wrong inputs."""
    import onnx

    helper = onnx.helper
    node = chance.choice((_loop, _external, _absurd, _nested, _function, _foreign, _wrong_output))(chance, onnx)
    value = helper.make_tensor_value_info
    shape = ["batch", chance.choice((5, 5, 5, 4, 0, 2**40)), chance.choice(("time", "time", 250)), 64]
    out = value("accddoa", onnx.TensorProto.FLOAT, ["batch", "frames", 3, 13, 4])
    known = [value("features", onnx.TensorProto.FLOAT, shape)], [out]
    nodes, weights, functions = node
    made = helper.make_model(
        helper.make_graph(nodes, "g", *known, weights), opset_imports=[helper.make_opsetid("", 17)], functions=functions
    )
    made.ir_version = 9
    contents = made.SerializeToString()
    path = folder / "case.onnx"
    path.write_bytes(contents)
    card = json.loads((valid / "model.json").read_text()) | {"sha256": hashlib.sha256(contents).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


def _loop(chance: random.Random, onnx: Any) -> Any:
    helper, value = onnx.helper, onnx.helper.make_tensor_value_info
    turn, go = value("i", onnx.TensorProto.INT64, []), value("c", onnx.TensorProto.BOOL, [])
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Identity", ["s"], ["t"])], "b",
        [turn, go, value("s", onnx.TensorProto.FLOAT, None)],
        [value("d", onnx.TensorProto.BOOL, []), value("t", onnx.TensorProto.FLOAT, None)],
    )  # fmt: skip
    kind = chance.choice(("Loop", "Loop", "Scan", "SequenceMap"))
    return [helper.make_node(kind, ["n", "", "features"], ["accddoa"], body=body)], [_scalar(onnx, "n", 2**62)], []


_SUMMED: Final = (
    ("ConstantOfShape", ["n"], ["large"]), ("ReduceSum", ["large"], ["sum"]), ("Expand", ["sum", "as"], ["one"]),
    ("Identity", ["one"], ["accddoa"]),
)  # fmt: skip


def _external(chance: random.Random, onnx: Any) -> Any:
    tensor = onnx.numpy_helper.from_array(np.ones(3, np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key in ("location", "offset", "length"):
        entry = tensor.external_data.add()
        entry.key = key
        entry.value = chance.choice(("../../etc/passwd", "/dev/zero", "w.bin", "", "0", "-1", str(2**63)))
    return [onnx.helper.make_node("Add", ["features", "w"], ["accddoa"])], [tensor], []


def _absurd(chance: random.Random, onnx: Any) -> Any:
    """A constant of terabytes, or of a negative size, made while the model runs."""
    size = chance.choice((2**20, 2**33, 2**44, 2**62, -1, 0))
    shape = onnx.numpy_helper.from_array(np.array([size, chance.choice((1, 2**10))], np.int64), "n")
    sum_of = [onnx.helper.make_node(*call) for call in _SUMMED]
    return sum_of, [shape, onnx.numpy_helper.from_array(np.array([1, 50, 3, 13, 4], np.int64), "as")], []


def _nested(chance: random.Random, onnx: Any) -> Any:
    helper = onnx.helper
    out = helper.make_tensor_value_info("accddoa", onnx.TensorProto.FLOAT, None)
    inner = helper.make_node("Identity", ["features"], ["accddoa"])
    for _ in range(chance.choice((1, 5, 60, 90))):
        graph = helper.make_graph([inner], "g", [], [out])
        inner = helper.make_node("If", ["yes"], ["accddoa"], then_branch=graph, else_branch=graph)
        if len(inner.SerializeToString()) > 2**22:
            break
    return [inner], [onnx.numpy_helper.from_array(np.array(True), "yes")], []


def _function(chance: random.Random, onnx: Any) -> Any:
    helper = onnx.helper
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("d", 1)]
    inside = [helper.make_node("f", ["a"], ["b"], domain="d")]  # calls itself
    made = helper.make_function("d", "f", ["a"], ["b"], inside, opset)
    return [helper.make_node("f", ["features"], ["accddoa"], domain="d")], [], [made]


def _foreign(chance: random.Random, onnx: Any) -> Any:
    domain, kind = chance.choice((("com.microsoft", "Gelu"), ("ai.onnx.contrib", "PyOp"), ("", "NoSuch"), ("", "Sqrt")))
    return [onnx.helper.make_node(kind, ["features"], ["accddoa"], domain=domain)], [], []


def _wrong_output(chance: random.Random, onnx: Any) -> Any:
    kind = chance.choice(("Identity", "Shape", "Size", "ReduceMean", "Sqrt", "Log", "Neg"))
    return [onnx.helper.make_node(kind, ["features"], ["accddoa"])], [], []


def _scalar(onnx: Any, name: str, value: int) -> Any:
    return onnx.numpy_helper.from_array(np.array(value, np.int64), name)


def ensembles(chance: random.Random, valid: Path, folder: Path) -> Path:
    """A ZIP archive with odd names, an odd index, doubled, huge or encrypted entries."""
    with zipfile.ZipFile(valid / "pair.ensemble") as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    path = folder / "case.ensemble"
    with zipfile.ZipFile(path, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, contents in entries:
            pick, written = chance.random(), contents
            if name.endswith(".json") and pick < 0.4:
                written = json.dumps(changed(json.loads(contents), chance)).encode("utf-8", "replace")
            elif pick < 0.45:
                written = bytes(chance.choice((0, 1000, 20_000_000)))
            elif pick < 0.5:
                continue
            odd = chance.random() < 0.01
            archive.writestr(chance.choice(ODD_TEXTS[5:12]).replace("\ud800", "x") if odd else name, written)
    data = bytearray(path.read_bytes())
    if chance.random() < 0.3:  # flags (encrypted), methods and sizes in the directory
        at = data.rfind(b"PK\1\2")
        if at >= 0:
            data[at + chance.choice((8, 10, 20, 24, 42))] ^= chance.choice((1, 0xFF, 0x80))
    path.write_bytes(data)
    return path
