from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("onnx", reason="building test models needs onnx (extra 'train')")
from typer.testing import CliRunner

from any_sound import FakeTagger, any_sound_model
from earwitness.cli.main import app
from earwitness.core.errors import UsageError
from earwitness.detect.any_sound import sound_plan
from earwitness.detect.detector import Detector
from earwitness.media.sound.wav import write_wav
from earwitness.results.saved import read_result

Burst = Callable[..., NDArray[np.float32]]
SCENE = (8, (1.0, 2.5, 40), (4.0, 5.5, -30), (6.0, 6.2, -60))
"""Music on the left, something on the right, and something too short."""


@pytest.fixture(scope="module")
def model(meter_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return any_sound_model(meter_model, tmp_path_factory.mktemp("ear"))


@pytest.fixture(scope="module")
def ear(model: Path) -> Detector:
    return Detector.load(model)


@pytest.fixture
def tagger(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeTagger | None], None]:
    return lambda one: monkeypatch.setattr(sound_plan, "load_tagger", lambda: one)


def test_without_labels_any_only_the_classes_are_detected(ear: Detector, make_burst: Burst) -> None:
    result = ear.detect_array(make_burst(*SCENE), 24_000)
    assert [event.slug for event in result] == ["music"]
    assert "any_sound" not in result.settings
    assert "labels" not in result.settings


def test_what_is_no_class_is_named_and_located(ear: Detector, make_burst: Burst, tagger: Callable[..., None]) -> None:
    tagger(FakeTagger(Dog=0.5, Music=0.3))
    result = ear.detect_array(make_burst(*SCENE), 24_000, labels="any")
    music, dog = result.events
    assert (music.slug, dog.slug, dog.name) == ("music", "dog", "Dog")
    assert dog.azimuth == pytest.approx(-30, abs=3)
    assert (dog.start, dog.end) == (pytest.approx(4.0, abs=0.11), pytest.approx(5.5, abs=0.11))
    assert result.vocabulary.slugs[13:] == ("dog",)
    assert result.settings["any_sound"]["tagger"] == "fake"
    assert [event.slug for event in result["other sounds"]] == ["dog"]


def test_without_a_tagger_it_is_an_other_sound(ear: Detector, make_burst: Burst, tagger: Callable[..., None]) -> None:
    tagger(None)
    result = ear.detect_array(make_burst(*SCENE), 24_000, labels="any")
    assert [event.name for event in result] == ["Music", "Other sound"]


def test_a_doubtful_name_is_none(ear: Detector, make_burst: Burst, tagger: Callable[..., None]) -> None:
    tagger(FakeTagger(Music=0.3, Dog=0.2))
    result = ear.detect_array(make_burst(*SCENE), 24_000, labels="any")
    assert [event.slug for event in result] == ["music", "other_sound"]


def test_what_the_tagger_calls_a_class_is_left_to_the_model(
    ear: Detector, make_burst: Burst, tagger: Callable[..., None]
) -> None:
    tagger(FakeTagger(Music=0.9, Dog=0.2))
    assert [event.slug for event in ear.detect_array(make_burst(*SCENE), 24_000, labels="any")] == ["music"]


def test_a_class_that_is_clearly_something_else_is_not_forced(
    ear: Detector, make_burst: Burst, tagger: Callable[..., None]
) -> None:
    tagger(FakeTagger(Shatter=0.99))
    result = ear.detect_array(make_burst(*SCENE), 24_000, labels="any")
    assert [event.slug for event in result] == ["breaking", "breaking"]
    assert result.events[0].azimuth == pytest.approx(40, abs=3)


def test_mono_sound_has_other_sounds_without_direction(
    ear: Detector, make_burst: Burst, tagger: Callable[..., None]
) -> None:
    tagger(FakeTagger(Dog=0.99))
    result = ear.detect_array(make_burst(8, (4.0, 5.5, 0))[:1], 24_000, allow_mono=True, labels="any")
    assert {event.slug for event in result} <= {"dog", "music"}
    assert all(np.isnan(event.azimuth) for event in result)
    assert len(result) == 1


def test_words_keep_only_what_they_mean(ear: Detector, make_burst: Burst, tagger: Callable[..., None]) -> None:
    tagger(FakeTagger(Dog=0.5, Music=0.3))
    sound = make_burst(*SCENE)
    assert [event.slug for event in ear.detect_array(sound, 24_000, find="barking dogs")] == ["dog"]
    assert [event.slug for event in ear.detect_array(sound, 24_000, find=["music"])] == ["music"]
    assert "any_sound" not in ear.detect_array(sound, 24_000, find=["music"]).settings
    nothing = ear.detect_array(sound, 24_000, find="helicopter")
    assert len(nothing) == 0
    assert "helicopter" in nothing.vocabulary.slugs
    with pytest.raises(UsageError, match="no sound is called 'dgo'; did you mean dog"):
        ear.detect_array(sound, 24_000, find="dgo")
    with pytest.raises(UsageError, match="labels must be one of"):
        ear.detect_array(sound, 24_000, labels="all")  # type: ignore[arg-type]


def test_what_the_model_or_the_machine_cannot_do_is_said(
    ear: Detector, meter_model: Path, make_burst: Burst, tagger: Callable[..., None]
) -> None:
    tagger(None)
    sound = make_burst(*SCENE)
    with pytest.raises(UsageError, match="models pull yamnet"):
        ear.detect_array(sound, 24_000, find="dog")
    with pytest.raises(UsageError, match="the model 'meter' detects its classes only; any sound needs"):
        Detector.load(meter_model).detect_array(sound, 24_000, labels="any")
    with pytest.raises(UsageError, match="'dog', which is none of them, needs"):
        Detector.load(meter_model).detect_array(sound, 24_000, find="dog")


def test_live_sound_is_searched_for_classes_only(ear: Detector, make_burst: Burst, tagger: Callable[..., None]) -> None:
    tagger(FakeTagger(Dog=0.8))
    with pytest.raises(UsageError, match="live sound: sounds that are none of the classes"):
        ear.stream(24_000, labels="any")
    with pytest.raises(UsageError, match="live sound: sounds that are none of the classes"):
        ear.stream(24_000, find="dog")
    sound = make_burst(*SCENE)
    music, bell = ear.stream(24_000, find="music"), ear.stream(24_000, find="bell")
    assert len(music.push(sound)) > 0
    assert len(bell.push(sound)) == 0


@pytest.mark.parametrize("member", ["mirror:{0}", "{0},{0}"])
def test_mirrored_models_and_ensembles_can_too(
    model: Path, make_burst: Burst, tagger: Callable[..., None], member: str
) -> None:
    tagger(FakeTagger(Dog=0.5, Music=0.3))
    result = Detector.load(member.format(model)).detect_array(make_burst(*SCENE[:3]), 24_000, labels="any")
    # The mirrored model has its music on the other side.
    events = {event.slug: round(event.azimuth, -1) for event in result}
    assert events == ({"dog": 40, "music": -30} if member.startswith("mirror") else {"music": 40, "dog": -30})


def test_the_command_writes_every_format(
    model: Path, make_burst: Burst, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "empty"))
    source, out = tmp_path / "yard.wav", tmp_path / "out"
    write_wav(source, make_burst(*SCENE), 24_000)
    options = ["--model", str(model), "--out", str(out), "--labels", "any", "--format", "events,srt,html,textgrid"]
    done = CliRunner().invoke(app, ["detect", str(source), *options])
    assert done.exit_code == 0, done.output
    assert "for their names, run: earwitness models pull yamnet" in " ".join(done.output.split())
    result = read_result(out / "yard.json")
    assert [event.slug for event in result] == ["music", "other_sound"]
    assert "other_sound" in (out / "yard.events.csv").read_text()
    assert "other sound" in (out / "yard.srt").read_text().lower()
    assert "Other sound" in (out / "yard.html").read_text()
    assert "Other sound" in (out / "yard.TextGrid").read_text()
    # DCASE rows have the model's own classes only.
    assert {line.split(",")[1] for line in (out / "yard.csv").read_text().splitlines()[1:]} == {"8"}
    assert not (out / "earwitness-classes.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--labels", "all"], "--labels must be one of classes, any"),
        (["--find", "dgo"], "did you mean dog"),
        (["--find", " , "], "name a sound"),
        (["--grow", "--labels", "any"], "--grow: sounds that are none of the classes"),
    ],
)
def test_wrong_options_are_one_line(
    model: Path, make_burst: Burst, tmp_path: Path, options: list[str], message: str
) -> None:
    source = tmp_path / "yard.wav"
    write_wav(source, make_burst(1), 24_000)
    done = CliRunner().invoke(app, ["detect", str(source), "--model", str(model), "--out", str(tmp_path), *options])
    assert isinstance(done.exception, UsageError)
    assert message in str(done.exception)
    assert not (tmp_path / "yard.json").exists()


@pytest.mark.parametrize("samples", [0, 1, 700, 24_000])
def test_silence_and_tiny_recordings(ear: Detector, tagger: Callable[..., None], samples: int) -> None:
    tagger(FakeTagger(Dog=0.8))
    result = ear.detect_array(np.zeros((2, samples), np.float32), 24_000, allow_mono=True, labels="any")
    assert len(result) == 0
    assert result.table.num_frames == (0 if samples == 0 else max(1, round(samples / 2400)))


def test_an_ensemble_needs_it_in_all_members(
    model: Path, meter_model: Path, make_burst: Burst, tagger: Callable[..., None]
) -> None:
    tagger(FakeTagger(Dog=0.8))
    mixed = Detector.load(f"{model},{meter_model}")
    with pytest.raises(UsageError, match="any_sound: true"):
        mixed.detect_array(make_burst(*SCENE), 24_000, labels="any")
    assert len(mixed.detect_array(make_burst(*SCENE), 24_000))
