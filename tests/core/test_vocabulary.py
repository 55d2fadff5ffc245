import re
from dataclasses import replace

import pytest

from earwitness.core.errors import LabelError
from earwitness.core.vocabulary import CLASSES, DCASE2025, NUM_CLASSES, Vocabulary, class_by_slug

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


def test_rgb_is_the_colour_in_numbers() -> None:
    assert CLASSES[0].colour == "#F06BA8"
    assert CLASSES[0].rgb == (240, 107, 168)
    assert all("#{:02X}{:02X}{:02X}".format(*one.rgb) == one.colour.upper() for one in CLASSES)


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


def test_a_vocabulary_is_a_value_with_positions_and_unique_slugs() -> None:
    first, second = DCASE2025[0], DCASE2025[1]
    small = Vocabulary("small", (first, second))
    assert (len(small), list(small), small.by_slug(second.slug)) == (2, [first, second], second)
    assert small.slugs == (first.slug, second.slug)
    assert (small.find(second.slug), small.find("knock")) == (second, None)
    with pytest.raises(LabelError, match="must be its position"):
        Vocabulary("swapped", (second, first))
    with pytest.raises(LabelError, match="must be unique"):
        Vocabulary("double", (first, replace(first, index=1)))
    with pytest.raises(LabelError, match=f"{first.slug}, {second.slug}$"):
        small.by_slug("knock")


def test_every_class_has_all_that_is_shown_and_asked_for() -> None:
    for one in DCASE2025:
        assert all((one.name, one.slug, one.caption, one.icon, one.prompts, one.labels))
        assert re.fullmatch("#[0-9A-F]{6}", one.colour)
        assert one.human == bool(one.made_by)
    assert len({one.colour for one in DCASE2025}) == len(DCASE2025)
