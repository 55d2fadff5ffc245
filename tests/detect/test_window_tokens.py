from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from earwitness.core.errors import ModelError, UsageError
from earwitness.detect.detector import Detector
from earwitness.detect.runner.model_runner import ModelRunner
from earwitness.detect.runner.runtime import OnnxRuntime
from earwitness.detect.runner.token_encoders import TokenEncoder, check_modalities
from earwitness.detect.runner.window_tokens import WindowTokens
from earwitness.media.pictures import PictureReader
from earwitness.models.architectures import model_config
from earwitness.models.checkpoint import build
from earwitness.results.detection import ModelId
from earwitness.training.export.model_export import export_onnx
from toy_encoders import NETWORK, ToyPicture, ToySound, make_card

SAMPLE = Path(str(files("earwitness"))) / "assets" / "sample" / "sample.mp4"
RATE = 24_000


def ramp(seconds: float) -> np.ndarray:
    level = np.arange(round(seconds * RATE)) / (60 * RATE)
    return np.stack([level, -level]).astype(np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    net = build(model_config(NETWORK)).eval()
    with torch.no_grad():
        for name, value in net.named_parameters():
            if "gate" in name:
                value.fill_(0.3)
    path = tmp_path_factory.mktemp("model") / "toy.onnx"
    export_onnx(net, path)
    return path


def test_tokens_equal_those_of_a_clip_of_the_window() -> None:
    sound = ramp(11)
    window_tokens = WindowTokens({"sound": TokenEncoder(ToySound())}, RATE)
    passed = list(window_tokens.pass_on(np.array_split(sound, 23, axis=1)))
    np.testing.assert_array_equal(np.concatenate(passed, axis=1), sound)
    for start in (0, 25, 50, 60):
        expected = ToySound().encode(sound[:, start * 2400 : (start + 50) * 2400], RATE)
        found = window_tokens.tokens(start, 50)["sound"]
        np.testing.assert_array_equal(found.tokens, expected.tokens)
        np.testing.assert_array_equal(found.times, expected.times)
    with pytest.raises(ValueError, match="in order"):
        window_tokens.tokens(50, 50)


def test_pictures_are_encoded_once_and_timed_from_the_start_of_the_window() -> None:
    watcher = ToyPicture()
    window_tokens = WindowTokens({"picture": TokenEncoder(watcher, rate=2.0)}, RATE, SAMPLE)
    one, two = (window_tokens.tokens(start, 40)["picture"] for start in (0, 20))
    assert one.times.tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]
    assert two.times.tolist()[:3] == [0, 0.5, 1]
    np.testing.assert_array_equal(one.tokens[4:], two.tokens[:4])
    assert watcher.seen == sorted(set(watcher.seen))
    truth = [picture for picture in PictureReader(SAMPLE, 2.0) if picture.time < 4]
    expected = ToyPicture().encode(np.stack([picture.rgb for picture in truth]), one.times)
    np.testing.assert_allclose(one.tokens, expected.tokens)


def test_mirrored_pictures_for_mirrored_sound() -> None:
    plain, mirrored = (
        WindowTokens({"picture": TokenEncoder(ToyPicture(), rate=1.0)}, RATE, SAMPLE, mirrored=way).tokens(0, 20)[
            "picture"
        ]
        for way in (False, True)
    )
    np.testing.assert_allclose(mirrored.tokens, plain.tokens[:, ::-1], rtol=1e-6)


def test_what_is_not_there_is_left_out() -> None:
    window_tokens = WindowTokens(
        {"sound": TokenEncoder(ToySound()), "picture": TokenEncoder(ToyPicture(), rate=1.0)}, RATE
    )
    assert window_tokens.tokens(0, 50) == {}
    list(window_tokens.pass_on([ramp(1)]))
    assert set(window_tokens.tokens(0, 50)) == {"sound"}


def detector(model: Path, **encoders: Any) -> Detector:
    ready = {name: TokenEncoder(encoder, 2.0 if name == "picture" else None) for name, encoder in encoders.items()}
    runner = ModelRunner(OnnxRuntime(model, device="cpu"), make_card(), token_encoders=ready)
    return Detector(runner, ModelId("toy", "0"))


def test_detect_with_all_some_or_none_of_the_modalities(model: Path) -> None:
    def scores(**encoders: Any) -> np.ndarray:
        found = detector(model, **encoders).detect(SAMPLE)
        assert found.settings["tokens"] == sorted(encoders)
        assert detector(model, **encoders).record()["model"]["tokens"] == sorted(encoders)  # a journal tells them apart
        return found.table.score

    both, sound, none = scores(sound=ToySound(), picture=ToyPicture()), scores(sound=ToySound()), scores()
    assert not np.array_equal(both, sound)
    assert not np.array_equal(sound, none)
    np.testing.assert_array_equal(both, scores(sound=ToySound(), picture=ToyPicture()))


def test_samples_in_memory_have_no_pictures(model: Path) -> None:
    watcher = ToyPicture()
    found = detector(model, sound=ToySound(), picture=watcher).detect_array(ramp(3), RATE)
    assert found.duration == 3
    assert not watcher.seen


def test_a_model_that_needs_pictures_says_so(model: Path) -> None:
    runner = ModelRunner(OnnxRuntime(model, device="cpu"), make_card(required=True))
    with pytest.raises(ModelError, match="requires pictures"):
        runner.at(None)
    assert runner.at(SAMPLE) is not runner


def test_card_and_file_must_have_the_same_modalities(model: Path) -> None:
    card = make_card().model_copy(update={"tokens": {}})
    with pytest.raises(ModelError, match="do not match"):
        ModelRunner(OnnxRuntime(model, device="cpu"), card)


def test_modalities_by_name() -> None:
    check_modalities("sound,picture", "toy", make_card().tokens)
    check_modalities("none", "toy", make_card().tokens)
    with pytest.raises(UsageError, match="has no 'smell'; it has: sound, picture"):
        check_modalities("smell", "toy", make_card().tokens)
