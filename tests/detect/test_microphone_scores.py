from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from earwitness import Detector
from earwitness.detect.detector import INTERVALS_VOID
from earwitness.detect.model.card import card_path, read_card
from earwitness.detect.model.microphone_scores import MicrophoneScore, MicrophoneScores

COINCIDENT = MicrophoneScore(spaced=False, f_score=0.5, doa_error_deg=14.0)


def scores(*f_scores: float) -> MicrophoneScores:
    pairs = {
        f"pair{n}": MicrophoneScore(spaced=True, f_score=value, doa_error_deg=20.0) for n, value in enumerate(f_scores)
    }
    return MicrophoneScores(scenes=150, of={"dcase": COINCIDENT, **pairs})


def test_half_of_the_coincident_score_is_usable_and_less_with_any_microphone_is_not() -> None:
    assert scores(0.25).usable
    assert scores(0.25, 0.49).usable
    assert not scores(0.49, 0.24).usable
    assert scores(0.49, 0.24).advice() is None
    worse = COINCIDENT.model_copy(update={"f_score": 0.1, "doa_error_deg": 40.0})
    assert not MicrophoneScores(scenes=9, of={**scores(0.24).of, "ms": worse}).usable  # the best coincident one counts


def test_the_advice_gives_what_was_measured() -> None:
    said = scores(0.41, 0.3).advice()
    assert said is not None
    for part in ("F20/1 was 0.30 to 0.41", "off by 20 degrees", "0.50 and 14 with"):
        assert part in said


@pytest.mark.parametrize("of", [{}, {"dcase": COINCIDENT}, {"x": COINCIDENT.model_copy(update={"spaced": True})}])
def test_one_kind_of_microphones_is_no_comparison(of: dict[str, MicrophoneScore]) -> None:
    with pytest.raises(ValidationError, match="spaced and of other microphones"):
        MicrophoneScores(scenes=10, of=of)


@pytest.mark.parametrize(("measured", "said"), [
    (None, "trained on coincident microphones; directions are unreliable"),
    (scores(0.1), "trained on coincident microphones; directions are unreliable"),
    (scores(0.4), "trained with such microphones, too"),
])  # fmt: skip
def test_detect_warns_of_spaced_microphones_as_far_as_the_model_knows_them(
    make_burst, meter_model, tmp_path, measured: MicrophoneScores | None, said: str
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(meter_model.read_bytes())
    read_card(card_path(meter_model)).model_copy(update={"microphones": measured}).write(card_path(path))
    assert read_card(card_path(path)).microphones == measured
    stereo = make_burst(10, (1, 9, 50))
    delayed = np.stack([stereo[0, 12:], stereo[1, :-12]])  # 0.5 ms
    detector = Detector.load(path, vision=None)
    warnings = detector.detect_array(delayed, 24_000).warnings
    assert any("0.50 ms" in warning and said in warning for warning in warnings)
    assert not any("microphones" in warning for warning in detector.detect_array(stereo, 24_000).warnings)
    assert INTERVALS_VOID not in warnings  # the model has none
