from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.cli.main import main
from earwitness.detect.model.card import card_path, read_card
from earwitness.detect.model.microphone_scores import MicrophoneScores
from earwitness.media.sound.wav import write_wav

Burst = Callable[..., NDArray[np.float32]]


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["earwitness", "doctor", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return code, captured.out, captured.err

    return run


Doctor = Callable[..., tuple[int, str, str]]


def test_a_fit_recording(doctor: Doctor, make_burst: Burst, tmp_path: Path) -> None:
    write_wav(tmp_path / "good.wav", make_burst(5, (0, 2, 40), (2, 5, -30)), 24_000)
    code, out, err = doctor(tmp_path / "good.wav")
    assert code == 0
    assert out.splitlines()[-1] == "Fit for directions."
    assert "24000 Hz" in out
    assert err == ""


def test_dual_mono_is_not_fit(doctor: Doctor, make_burst: Burst, tmp_path: Path) -> None:
    write_wav(tmp_path / "dual.wav", np.repeat(make_burst(5, (0, 4, 0))[:1], 2, axis=0), 24_000)
    code, out, _ = doctor(tmp_path / "dual.wav")
    assert code == 1
    assert "Dual mono" in out
    assert out.splitlines()[-1] == "Not fit for directions."


def test_json_is_strict_and_complete(doctor: Doctor, make_burst: Burst, tmp_path: Path) -> None:
    write_wav(tmp_path / "mono.wav", make_burst(3, (0, 3, 0))[:1], 24_000)
    code, out, _ = doctor(tmp_path / "mono.wav", "--json")
    document = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert code == 1
    assert document["fit"] is False
    assert document["seconds"] == 3.0
    assert {check["name"]: check["verdict"] for check in document["checks"]}["stereo"] == "unfit"
    assert all(set(check) == {"name", "value", "unit", "verdict", "sentence"} for check in document["checks"])


def test_a_file_that_cannot_be_read(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "junk.mp4").write_bytes(b"junk" * 60)
    for name in ("junk.mp4", "none.mp4"):
        code, out, err = doctor(tmp_path / name)
        assert code == 1
        assert out == ""
        assert len(err.splitlines()) == 1
        assert name in err


def test_within_limits(doctor: Doctor, make_burst: Burst, tmp_path: Path) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("memory is read in /proc here")
    write_wav(tmp_path / "a.wav", make_burst(2, (0, 1, 40)), 24_000)
    code, out, err = doctor(tmp_path / "a.wav", "--max-memory", "20")
    assert (code, out) == (1, "")
    assert "took more memory than 20 MB" in err
    assert err.count("\n") == 1


def test_spaced_microphones_are_judged_for_the_model_that_is_named(
    doctor: Doctor, meter_model: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    stereo = rng.normal(scale=0.004, size=(2, 24_000 * 9))
    for start, lag in enumerate((12, 0, -12, 12, 0, -12, 12, 0, -12)):  # sources to the left, ahead, to the right
        burst = np.zeros(stereo.shape[1])
        burst[24_000 * start : 24_000 * start + 14_000] = rng.normal(scale=0.05, size=14_000)
        stereo += np.stack([burst, np.roll(burst, lag)])
    write_wav(tmp_path / "spaced.wav", stereo.astype(np.float32), 24_000)
    code, out, _ = doctor(tmp_path / "spaced.wav", "--json")
    assert code == 1
    model = tmp_path / "model.onnx"
    model.write_bytes(meter_model.read_bytes())
    scores = MicrophoneScores.model_validate(
        {"scenes": 100, "of": {name: {"spaced": name == "phone", "f_score": 0.4, "doa_error_deg": 17.0}
                               for name in ("dcase", "phone")}}
    )  # fmt: skip
    read_card(card_path(meter_model)).model_copy(update={"microphones": scores}).write(card_path(model))
    code, out, _ = doctor(tmp_path / "spaced.wav", "--json", "--model", model)
    assert code == 0, out
    (spacing,) = [check for check in json.loads(out)["checks"] if check["name"] == "spacing"]
    assert spacing["verdict"] == "caution"
    assert "0.50 ms" in spacing["sentence"]
    assert "off by 17 degrees" in spacing["sentence"]
    code, _, err = doctor(tmp_path / "spaced.wav", "--model", "nothing")
    assert code != 0
    assert "unknown model 'nothing'" in err
