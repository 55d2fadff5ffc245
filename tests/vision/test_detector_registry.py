from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.core.errors import MissingExtraError, MissingWeightsError, ModelError, UsageError
from earwitness.encoders.weights.weight_files import Weights
from earwitness.vision.boxes import Boxes
from earwitness.vision.detectors import detector_registry
from earwitness.vision.detectors.detector_registry import DETECTORS, LazyDetector, open_detector


class Blind:
    name = "blind"

    def detect(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Boxes]:
        return [Boxes.none() for _ in pictures]


def test_a_late_detector_is_loaded_only_when_it_looks_and_again_after_a_rest() -> None:
    loaded: list[int] = []

    def load() -> Blind:
        loaded.append(1)
        return Blind()

    late = LazyDetector("blind 1", load)
    assert late.name == "blind 1"
    assert loaded == []
    picture = np.zeros((4, 4, 3), np.uint8)
    assert [len(boxes) for boxes in late.detect([picture, picture])] == [0, 0]
    late.detect([picture])
    assert loaded == [1]
    late.unload()
    assert loaded == [1]
    late.detect([picture])
    assert loaded == [1, 1]


def test_what_loading_raises_comes_out() -> None:
    def load() -> Blind:
        raise ModelError("another network")

    with pytest.raises(ModelError, match="another network"):
        LazyDetector("broken", load).detect([])


@pytest.mark.parametrize(
    ("name", "command"),
    [("pose", "models pull pose"), ("vitpose", "models pull vitpose"), ("owlvit-boxes", "models pull owlvit")],
)
def test_missing_weights_name_the_command(
    name: str, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path))
    with pytest.raises(MissingWeightsError, match=command):
        open_detector(name)


def test_unknown_names_get_a_choice() -> None:
    with pytest.raises(UsageError, match="choose one of: pose, vitpose, owlvit-boxes"):
        open_detector("yolo")


@pytest.mark.parametrize("name", DETECTORS)
def test_nothing_is_loaded_and_weights_tell_detectors_apart(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(detector_registry, "find_weights", lambda one: Weights(one, tmp_path, {"a": "1"}))
    monkeypatch.setattr(detector_registry, "find_spec", lambda module: module)
    first = open_detector(name)  # there is nothing in the folder, and nobody looked
    monkeypatch.setattr(detector_registry, "find_weights", lambda one: Weights(one, tmp_path, {"a": "2"}))
    assert (open_detector(name).name == first.name) == (name == "pose")  # the registry has the sha256 of those


@pytest.mark.parametrize(("name", "extra"), [("pose", "vision"), ("vitpose", "semantic"), ("owlvit-boxes", "semantic")])
def test_missing_extras_are_named(name: str, extra: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(detector_registry, "find_weights", lambda one: Weights(one, tmp_path, {}))
    monkeypatch.setattr(detector_registry, "find_spec", lambda module: None)
    with pytest.raises(MissingExtraError, match=rf"earwitness\[{extra}\]"):
        open_detector(name)
