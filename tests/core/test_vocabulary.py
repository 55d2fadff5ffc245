import re

import pytest

from earwitness.core.errors import LabelError
from earwitness.core.vocabulary import CLASSES, NUM_CLASSES, class_by_slug

DCASE_ORDER = [
    "female_speech", "male_speech", "clapping", "telephone", "laughter", "domestic_sounds", "footsteps", "door",
    "music", "musical_instrument", "water_tap", "bell", "knock",
]  # fmt: skip


def test_order_is_that_of_dcase2025() -> None:
    assert [sound_class.slug for sound_class in CLASSES] == DCASE_ORDER
    assert [sound_class.index for sound_class in CLASSES] == list(range(NUM_CLASSES))


def test_every_class_can_be_shown_searched_and_stored() -> None:
    for sound_class in CLASSES:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", sound_class.slug)
        assert sound_class.prompts
        assert all(prompt == prompt.strip() for prompt in sound_class.prompts)
        assert sound_class.caption
    assert len({sound_class.name for sound_class in CLASSES}) == NUM_CLASSES


def test_human_classes_are_those_that_a_body_makes() -> None:
    assert [c.slug for c in CLASSES if c.human] == [
        "female_speech",
        "male_speech",
        "clapping",
        "laughter",
        "footsteps",
    ]


@pytest.mark.parametrize("sound_class", CLASSES, ids=lambda c: c.slug)
def test_class_by_slug_inverts_slug(sound_class) -> None:
    assert class_by_slug(sound_class.slug) is sound_class


def test_unknown_slug_names_the_known_ones() -> None:
    with pytest.raises(LabelError, match=r"'dog'.*female_speech.*knock"):
        class_by_slug("dog")
