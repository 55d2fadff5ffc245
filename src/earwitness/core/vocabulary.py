"""The 13 sound event classes of DCASE2025 Task 3: index, name, slug, prompts, human or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from earwitness.core.errors import LabelError


@dataclass(frozen=True, slots=True)
class SoundClass:
    """One target class.

    Attributes:
        index: position in the DCASE2025 class list, 0..12.
        name: what a person reads.
        slug: what files and folders are called.
        human: whether a person's body makes the sound, so that a seen person is evidence for it.
        prompts: text queries for open-vocabulary vision models, most specific first.
        caption: wording for captions of non-speech sound.
    """

    index: int
    name: str
    slug: str
    human: bool
    prompts: tuple[str, ...]
    caption: str


CLASSES: Final[tuple[SoundClass, ...]] = (
    SoundClass(0, "Female speech", "female_speech", True, ("a woman speaking", "a woman"), "woman speaking"),
    SoundClass(1, "Male speech", "male_speech", True, ("a man speaking", "a man"), "man speaking"),
    SoundClass(2, "Clapping", "clapping", True, ("clapping hands", "a person clapping"), "clapping"),
    SoundClass(3, "Telephone", "telephone", False, ("a telephone", "a mobile phone"), "telephone ringing"),
    SoundClass(4, "Laughter", "laughter", True, ("a person laughing", "a person"), "laughter"),
    SoundClass(
        5, "Domestic sounds", "domestic_sounds", False,
        ("a vacuum cleaner", "a kitchen appliance", "dishes", "a fan"), "household noise",
    ),
    SoundClass(6, "Footsteps", "footsteps", True, ("a person walking", "shoes", "a person"), "footsteps"),
    SoundClass(7, "Door", "door", False, ("a door", "a drawer", "a cupboard"), "door opening or closing"),
    SoundClass(8, "Music", "music", False, ("a loudspeaker", "a radio", "a television"), "music playing"),
    SoundClass(
        9, "Musical instrument", "musical_instrument", False,
        ("a guitar", "a keyboard", "a musical instrument"), "instrument playing",
    ),
    SoundClass(10, "Water tap", "water_tap", False, ("a water tap", "a sink"), "water running"),
    SoundClass(11, "Bell", "bell", False, ("a bell", "a bicycle bell"), "bell ringing"),
    SoundClass(12, "Knock", "knock", False, ("a hand knocking", "a door"), "knocking"),
)  # fmt: skip

NUM_CLASSES: Final[int] = len(CLASSES)
_BY_SLUG: Final[dict[str, SoundClass]] = {sound_class.slug: sound_class for sound_class in CLASSES}


def class_by_slug(slug: str) -> SoundClass:
    """Return the class called `slug`.

    Raises:
        LabelError: there is no such class.
    """
    try:
        return _BY_SLUG[slug]
    except KeyError:
        known = ", ".join(_BY_SLUG)
        raise LabelError(f"unknown sound class '{slug}'; the classes are: {known}") from None
