"""A model with a class for any sound, and taggers, whose right answers are known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx

from earwitness.detect.model.card import card_path, file_sha256, read_card

LABELS = ("Dog", "Bark", "Music", "Speech", "Chicken, rooster", "Shatter", "Silence", "Laughter")


def any_sound_model(meter: Path, folder: Path) -> Path:
    """The meter with music on the left only, with a score of 0.6, and any sound everywhere."""
    model = onnx.load(str(meter))
    graph, node = model.graph, onnx.helper.make_node
    for one in graph.node:
        one.output[:] = ["everything" if name == "accddoa" else name for name in one.output]
    constants = {"edge": np.float32(0.0), "score": np.float32(0.6), "wide": np.array([0, -1, 1, 1, 1], np.int64)}
    graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items())
    graph.node.extend(
        [
            node("Greater", ["y_raw", "edge"], ["on_the_left"]),
            node("Cast", ["on_the_left"], ["left"], to=onnx.TensorProto.FLOAT),
            node("Transpose", ["left"], ["left_by_frame"], perm=[0, 2, 1]),
            node("Reshape", ["left_by_frame", "wide"], ["left_spread"]),
            node("Mul", ["left_spread", "score"], ["music_score"]),
            node("Mul", ["everything", "music_score"], ["accddoa"]),
            node("Concat", ["spread"] * 3, ["any_sound"], axis=2),
        ]
    )
    graph.output.append(onnx.helper.make_tensor_value_info("any_sound", onnx.TensorProto.FLOAT, ["b", "t", 3, 1, 4]))
    path = folder / "ear.onnx"
    onnx.save(model, str(path))
    card = read_card(card_path(meter)).model_copy(update={"name": "ear", "sha256": file_sha256(path)})
    card.write(card_path(path))
    return path


class FakeTagger:
    """Says the same of every sound, and remembers what it got."""

    fingerprint = "fake"
    classes = LABELS

    def __init__(self, **probabilities: float) -> None:
        self.heard: list[np.ndarray] = []
        self._logits = np.full(len(LABELS), -20.0, np.float32)
        for label, value in probabilities.items():
            self._logits[LABELS.index(label)] = np.log(value / (1 - value))

    def tag(self, stereo: np.ndarray, rate: int) -> Any:
        self.heard.append(stereo)
        return SimpleNamespace(tokens=np.tile(self._logits, (3, 1, 1)))
