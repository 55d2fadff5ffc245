from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the helpers build models")
from any_sound import LABELS, FakeTagger
from earwitness.core.classes.class_files import vocabulary_of
from earwitness.core.events import EventTable, SoundEvent
from earwitness.core.vocabulary import DCASE2025
from earwitness.detect.any_sound.tagging import SoundNames


def probabilities(**given: float) -> np.ndarray:
    return np.array([given.get(label, 0.0) for label in LABELS], np.float32)


def event(slug: str, score: float) -> SoundEvent:
    index = DCASE2025.by_slug(slug).index
    return EventTable.from_columns(frame=range(5), class_index=index, azimuth=0, distance=1, score=score).events()[0]


@pytest.fixture
def names() -> SoundNames:
    return SoundNames(DCASE2025, FakeTagger())


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        ({"Dog": 0.3}, "dog"),
        ({"Bark": 0.3}, "dog"),
        ({"Dog": 0.05}, "other_sound"),
        ({"Silence": 0.9}, "other_sound"),
        ({"Dog": 0.3, "Music": 0.4}, "other_sound"),
        ({"Dog": 0.3, "Music": 0.6}, None),
        ({"Speech": 0.9, "Dog": 0.4}, "other_sound"),  # broad: it counts half
    ],
)
def test_the_name_of_a_sound(names: SoundNames, given: dict[str, float], slug: str | None) -> None:
    found = names.name(probabilities(**given))
    assert (found and found.slug) == slug


@pytest.mark.parametrize(
    ("slug", "score", "given", "other"),
    [
        ("laughter", 0.5, {"Dog": 0.3}, "dog"),
        ("laughter", 0.9, {"Dog": 0.3}, None),  # the model is confident
        ("laughter", 0.5, {"Dog": 0.15}, None),  # the tagger is not
        ("laughter", 0.5, {"Dog": 0.3, "Speech": 0.2}, None),  # laughter is often tagged as speech
        ("music", 0.5, {"Dog": 0.3, "Music": 0.2}, None),
        ("music", 0.5, {"Shatter": 0.9, "Music": 0.2}, "breaking"),
        ("domestic_sounds", 0.5, {"Shatter": 0.9}, None),  # kin
    ],
)
def test_doubts_about_a_class(
    names: SoundNames, slug: str, score: float, given: dict[str, float], other: str | None
) -> None:
    found = names.contradiction(probabilities(**given), event(slug, score))
    assert (found and found.slug) == other


def test_own_classes_of_a_model() -> None:
    names = SoundNames(vocabulary_of(["dog", "kettle"], "mine"), FakeTagger())
    assert (names.name(probabilities(Dog=0.9)) or names) is names  # a dog is one of its classes
    found = names.name(probabilities(Music=0.9))  # music is none of them
    assert found is not None
    assert found.slug == "music"


def test_the_tagger_gets_sound_at_its_usual_level() -> None:
    tagger = FakeTagger(Dog=0.8)
    names = SoundNames(DCASE2025, tagger)
    sound = np.random.default_rng(0).normal(size=24_000).astype(np.float32)
    found = names.probabilities(sound * 1e-2, 24_000)
    assert found[0] == pytest.approx(0.8, abs=1e-3)
    assert np.sqrt(np.mean(np.square(tagger.heard[0]))) == pytest.approx(0.05, rel=0.01)
    assert np.isfinite(names.probabilities(np.zeros(10, np.float32), 24_000)).all()
