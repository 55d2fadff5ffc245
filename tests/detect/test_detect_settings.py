from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import UsageError
from earwitness.detect.detect_settings import DetectKeywords, DetectSettings
from earwitness.detect.detector import Detector
from earwitness.detect.model.loading import LoadKeywords, LoadOptions
from earwitness.media.writer import write_wav


def test_every_setting_is_a_keyword_argument() -> None:
    assert set(DetectKeywords.__annotations__) == {field.name for field in fields(DetectSettings)}
    assert set(LoadKeywords.__annotations__) == {field.name for field in fields(LoadOptions)}


def test_the_threshold_replaces_those_of_the_card() -> None:
    assert DetectSettings().thresholds([0.1, 0.2]) == [0.1, 0.2]
    assert DetectSettings(threshold=0.7).thresholds([0.1, 0.2]) == [0.7, 0.7]


@pytest.mark.parametrize("threshold", [-0.1, 1.01, float("nan")])
def test_thresholds_out_of_range_are_refused(threshold: float) -> None:
    with pytest.raises(UsageError, match="threshold"):
        DetectSettings(threshold=threshold)


def test_settings_and_keyword_arguments_give_the_same_result(meter_model: Path, tmp_path: Path) -> None:
    sound = np.stack([np.sin(np.arange(48_000) / 8), np.sin(np.arange(48_000) / 8) / 2]).astype(np.float32) / 2
    write_wav(tmp_path / "a.wav", sound, 24_000)
    meter = Detector.load(meter_model, vision=None)
    settings = DetectSettings(swap_channels=True, threshold=0.3, fov=70)
    one = meter.detect(tmp_path / "a.wav", settings=settings)
    other = meter.detect(tmp_path / "a.wav", swap_channels=True, threshold=0.3, fov=70)
    changed = meter.detect(tmp_path / "a.wav", settings=settings, swap_channels=False)
    assert one.settings == other.settings == changed.settings | {"swap_channels": True}
    assert np.array_equal(one.table.azimuth, other.table.azimuth)
    with pytest.raises(TypeError, match="loudness"):
        meter.detect(tmp_path / "a.wav", loudness=3)  # type: ignore[call-arg]
