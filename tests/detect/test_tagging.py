from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the helpers build models")
from any_sound import LABELS, FakeTagger
from earwitness.core.classes.class_files import vocabulary_of
from earwitness.core.vocabulary import DCASE2025
from earwitness.detect.any_sound.tagging import SoundNames


def probabilities(**given: float) -> np.ndarray:
    return np.array([given.get(label, 0.0) for label in LABELS], np.float32)


@pytest.fixture
def names() -> SoundNames:
    return SoundNames(DCASE2025, FakeTagger())


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        ({"Dog": 0.3}, "dog"),
        ({"Bark": 0.3}, "dog"),
        ({"Dog": 0.03}, "other_sound"),
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
    ("slug", "given", "other"),
    [
        ("laughter", {"Dog": 0.3}, 0.3),
        ("laughter", {"Dog": 0.1, "Speech": 0.9}, 0.1),  # laughter is often tagged as speech
        ("music", {"Shatter": 0.9, "Music": 0.2}, 0.9),
    ],
)
def test_what_contradicts_a_class(names: SoundNames, slug: str, given: dict[str, float], other: float) -> None:
    assert names.other(probabilities(**given), DCASE2025.by_slug(slug)) == pytest.approx(other)


def test_nothing_contradicts_a_class_without_labels() -> None:
    vocabulary = vocabulary_of(["kettle"], "mine")
    assert SoundNames(vocabulary, FakeTagger()).other(probabilities(Dog=0.9), vocabulary[0]) is None


def test_what_the_tagger_says_of_everything_is_worth_less() -> None:
    names, tags = SoundNames(DCASE2025, FakeTagger()), probabilities(Dog=0.3, Shatter=0.31)
    values = {"dog": 0.001, "breaking": 0.05}
    names._others = tuple(one.model_copy(update={"usual": values.get(one.slug, one.usual)}) for one in names._others)
    found = names.name(tags)
    assert found
    assert found.slug == "dog"


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
