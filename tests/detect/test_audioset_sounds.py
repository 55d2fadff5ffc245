from __future__ import annotations

import pytest

from earwitness.core.classes.class_files import vocabulary_of
from earwitness.core.errors import LabelError
from earwitness.core.vocabulary import DCASE2025, OTHER_GROUP
from earwitness.detect.any_sound.audioset_sounds import UNNAMED, audioset_sounds, is_own, other_sounds, with_sounds


def test_the_table_names_each_sound_once() -> None:
    sounds = audioset_sounds()
    assert len(sounds) > 100
    for key in ("slug", "name"):
        values = [getattr(sound, key).casefold() for sound in sounds]
        assert len(values) == len(set(values))
    assert all(sound.labels for sound in sounds)


def test_what_a_models_classes_cover_is_no_other_sound() -> None:
    others = other_sounds(DCASE2025)
    slugs = {sound.slug for sound in others}
    assert others[-1] is UNNAMED
    assert not slugs & set(DCASE2025.slugs)
    assert "speech" not in slugs  # women's and men's speech together
    assert {"dog", "glass"} <= slugs or {"dog"} <= slugs
    without_bells = vocabulary_of(["knock", "kettle"], "mine")
    assert "bell" in {sound.slug for sound in other_sounds(without_bells)}
    assert not any(is_own(sound, DCASE2025) for sound in others[:-1])


def test_other_sounds_follow_the_classes_of_the_model_in_a_group_of_their_own() -> None:
    chosen = list(other_sounds(DCASE2025)[:2])
    extended = with_sounds(DCASE2025, chosen)
    assert extended.slugs[: len(DCASE2025)] == DCASE2025.slugs
    added = list(extended)[len(DCASE2025) :]
    assert [one.slug for one in added] == [sound.slug for sound in chosen]
    assert all(OTHER_GROUP in one.groups for one in added)
    assert with_sounds(DCASE2025, []) is DCASE2025


def test_a_name_that_the_model_has_already_is_refused() -> None:
    dog = next(sound for sound in audioset_sounds() if sound.slug == "dog")
    with pytest.raises(LabelError, match="unique"):
        with_sounds(vocabulary_of(["dog"], "mine"), [dog])
