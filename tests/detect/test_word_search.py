from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.core.classes.class_files import vocabulary_of
from earwitness.core.errors import UsageError
from earwitness.core.vocabulary import DCASE2025
from earwitness.detect.any_sound.audioset_sounds import UNNAMED, audioset_sounds, is_own, other_sounds, with_sounds
from earwitness.detect.any_sound.word_search import found_sounds


@pytest.mark.parametrize(
    ("words", "slugs"),
    [
        ("dog barking", ("dog",)),
        ("Dogs", ("dog",)),
        ("a barking dog", ("dog",)),
        ("bell", ("bell",)),
        ("bells, dog", ("bell", "dog")),
        ("glass breaking", ("breaking",)),
        ("car horn", ("horn",)),
        ("aeroplane", ("aircraft",)),
        ("the sound of rain", ("rain",)),
        ("door bell", ("bell",)),
        ("female_speech", ("female_speech",)),
        ("other sound", (UNNAMED.slug,)),
        ("geese", ("duck_or_goose",)),
        ("lorry", ("truck",)),
        ("barking of dogs", ("dog",)),
        ("drills", ("drill",)),
        ("puppies", ("dog",)),
        ("phone", ("telephone",)),
    ],
)
def test_words_and_what_they_mean(words: str, slugs: tuple[str, ...]) -> None:
    assert found_sounds(words, DCASE2025).slugs == slugs


def test_own_classes_come_before_audiosets() -> None:
    own = vocabulary_of(["kettle", "dog"], "mine")
    assert found_sounds("dog", own).slugs == ("dog",)
    assert all(sound.slug != "dog" for sound in other_sounds(own))
    assert found_sounds("door slam, speech", vocabulary_of(["kettle", "speech"], "mine")).slugs[0] == "speech"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("barkign", "did you mean .*barking"),
        ("xylophonists' delight at zzzz", "no sound is called"),
        ("", "name a sound"),
        ("!!!", "no sound is called '!!!'"),
        ("the", "no sound is called 'the'"),
        ("dog," * 101, "at most 100"),
        ("\x1b[31mdog" * 50, "no sound is called"),
    ],
)
def test_unknown_words_are_one_line(words: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        found_sounds(words, DCASE2025)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_the_table_is_consistent() -> None:
    sounds = audioset_sounds()
    labels = [label for sound in sounds for label in sound.labels]
    slugs = [sound.slug for sound in sounds]
    assert 120 <= len(sounds) <= 150
    assert len(set(labels)) == len(labels)
    assert len(set(slugs)) == len(slugs)
    named = {slug for sound in sounds for slug in (*sound.kin, *sound.together)}
    assert named <= set(DCASE2025.slugs)
    own = {label for one in DCASE2025 for label in one.labels}
    beyond = [sound for sound in sounds if not is_own(sound, DCASE2025)]
    assert not own & {label for sound in beyond for label in sound.labels}
    assert {sound.slug for sound in sounds} - {sound.slug for sound in beyond} == {*DCASE2025.slugs[2:], "speech"}


def test_a_result_has_room_for_all_of_them() -> None:
    extended = with_sounds(DCASE2025, list(other_sounds(DCASE2025)))
    assert extended.slugs[:13] == DCASE2025.slugs
    assert [one.colour for one in extended][:13] == [one.colour for one in DCASE2025]
    with pytest.raises(UsageError, match="more than 200"):
        with_sounds(vocabulary_of([f"c{n}" for n in range(100)], "many"), list(other_sounds(DCASE2025)))


def test_the_labels_are_those_of_the_tagger() -> None:
    from earwitness.core.errors import MissingWeightsError
    from earwitness.encoders.yamnet import Yamnet

    try:
        known = set(Yamnet.load().classes)
    except MissingWeightsError as error:
        pytest.skip(str(error))
    beyond = {label for sound in other_sounds(DCASE2025) for label in sound.labels}
    assert beyond <= known


def test_the_manual_lists_the_names() -> None:
    manual = Path(__file__).parents[2] / "docs" / "any-sound.md"
    listed = " ".join(manual.read_text(encoding="utf-8").split("## The sounds")[1].split())
    assert listed == ", ".join(sound.name for sound in other_sounds(DCASE2025)) + "."


class Lookup:
    """Knows one synonym that the table does not."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = np.zeros((len(texts), 2), np.float32)
        for row, text in enumerate(texts):
            found[row, int(text.casefold() in ("woofs", "dog"))] = 1
        return found


def test_an_encoder_finds_the_nearest_sound_for_other_words_only() -> None:
    found = found_sounds("woofs, bell", DCASE2025, Lookup)
    assert (found.slugs, dict(found.nearest)) == (("bell", "dog"), {"woofs": "Dog"})
    known = found_sounds("bell", DCASE2025, lambda: pytest.fail("not needed"))
    assert (known.slugs, dict(known.nearest)) == (("bell",), {})
