from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.errors import ModelError
from earwitness.encoders.onnx_session import DEEPEST, check_onnx

onnx = pytest.importorskip("onnx", reason="ONNX files are made with the extra 'train'")


def graph(nodes: list[Any], initializers: list[Any] = [], name: str = "g") -> Any:  # noqa: B006 - not changed
    value = onnx.helper.make_tensor_value_info
    shape = [value("x", onnx.TensorProto.FLOAT, [1])], [value("y", onnx.TensorProto.FLOAT, [1])]
    return onnx.helper.make_graph(nodes, name, *shape, initializers)


def model(nodes: list[Any], initializers: list[Any] = []) -> Any:  # noqa: B006 - not changed
    return onnx.helper.make_model(graph(nodes, initializers), opset_imports=[onnx.helper.make_opsetid("", 17)])


def tensor(name: str = "w") -> Any:
    return onnx.numpy_helper.from_array(np.ones(3, np.float32), name)


def outside(location: str | None = "../../secret", flag: bool = True) -> Any:
    """A tensor whose contents are in another file."""
    made = tensor()
    made.ClearField("raw_data")
    if flag:
        made.data_location = onnx.TensorProto.EXTERNAL
    if location is not None:
        entry = made.external_data.add()
        entry.key, entry.value = "location", location
    return made


def identity() -> Any:
    return onnx.helper.make_node("Identity", ["x"], ["y"])


def nested(depth: int, inner: Any) -> Any:
    """A node within `depth` graphs."""
    for _ in range(depth):
        inner = onnx.helper.make_node("If", ["x"], ["y"], then_branch=graph([inner]), else_branch=graph([identity()]))
    return inner


def with_function() -> Any:
    made = model([identity()])
    opset = [onnx.helper.make_opsetid("", 17)]
    made.functions.append(onnx.helper.make_function("d", "f", ["a"], ["b"], [identity()], opset))
    return made


def sparse() -> Any:
    made = model([identity()])
    one = made.graph.sparse_initializer.add()
    one.dims.extend([2**20, 2**20])
    one.values.CopyFrom(tensor())
    one.indices.CopyFrom(onnx.numpy_helper.from_array(np.arange(3), "i"))
    return made


LOOP = onnx.helper.make_node("Loop", ["", "x"], ["y"], body=graph([identity()]))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: model([identity()], [outside()]), "keeps weights in '../../secret'"),
        (lambda: model([identity()], [outside(flag=False)]), "keeps weights in"),
        (lambda: model([identity()], [outside(None)]), "keeps weights in another file"),
        (lambda: model([onnx.helper.make_node("Constant", [], ["y"], value=outside())]), "keeps weights in"),
        (lambda: model([nested(2, onnx.helper.make_node("Constant", [], ["y"], value=outside()))]), "keeps weights"),
        (lambda: model([LOOP]), "it has a 'Loop'"),
        (lambda: model([onnx.helper.make_node("Scan", ["x"], ["y"], body=graph([identity()]))]), "it has a 'Scan'"),
        (lambda: model([nested(3, LOOP)]), "it has a 'Loop'"),
        (lambda: model([nested(DEEPEST + 1, identity())]), "nest deeper"),
        (with_function, "functions of its own"),
        (sparse, "more memory"),
        (lambda: model([onnx.helper.make_node("Op", ["x"], ["y"], domain="evil.ops")]), "operators of 'evil.ops'"),
    ],
)
def test_what_a_model_must_not_bring(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(ModelError, match=f"m.onnx: not a usable ONNX model .*{said}"):
        check_onnx(make().SerializeToString(), "m.onnx", ModelError)


def test_a_plain_model_and_branches_are_taken() -> None:
    check_onnx(model([nested(2, identity())], [tensor()]).SerializeToString(), "m.onnx", ModelError)


def test_a_known_file_beside_it_may_hold_weights() -> None:
    contents = model([identity()], [outside("model.data")]).SerializeToString()
    check_onnx(contents, "m.onnx", ModelError, external=("model.data",))
    for other in ("./model.data", "../model.data", "model.data/../x", ""):
        contents = model([identity()], [outside(other)]).SerializeToString()
        with pytest.raises(ModelError, match="keeps weights"):
            check_onnx(contents, "m.onnx", ModelError, external=("model.data",))


def test_a_graph_in_two_parts_is_looked_at_whole() -> None:
    # Protocol buffers one after the other are merged when they are read.
    parts = model([identity()]).SerializeToString() + model([LOOP]).SerializeToString()
    with pytest.raises(ModelError, match="it has a 'Loop'"):
        check_onnx(parts, "m.onnx", ModelError)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 200))
def test_any_bytes_are_a_model_or_a_named_error(junk: bytes, place: int) -> None:
    whole = model([nested(2, identity())], [tensor()]).SerializeToString()
    for contents in (junk, whole[:place] + junk + whole[place + len(junk) :]):
        said = ""
        try:
            check_onnx(contents, "m.onnx", ModelError)
        except ModelError as error:
            said = str(error)
        assert not said or said.startswith("m.onnx: not a usable ONNX model")


SCRIPT = """
import sys, time
from earwitness import Detector
Detector.load(sys.argv[1], vision=None).detect(sys.argv[2])
time.sleep(1)
"""


def test_onnxruntime_sends_and_stores_no_telemetry(
    meter_model: Path,
    make_burst,  # type: ignore[no-untyped-def]
    tmp_path: Path,
) -> None:
    from earwitness.media.sound.wav import write_wav

    write_wav(tmp_path / "a.wav", make_burst(2, (0.5, 1, 20)), 24_000)
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    places = {"HOME": str(home), "TMPDIR": str(temporary), "XDG_CACHE_HOME": str(home / ".cache")}
    inherited = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(meter_model), str(tmp_path / "a.wav")], env=inherited | places, check=True
    )
    own = home / ".cache" / "earwitness"
    found = [path for folder in (home, temporary) for path in folder.rglob("*") if path.is_file()]
    assert [path for path in found if not path.is_relative_to(own)] == []
