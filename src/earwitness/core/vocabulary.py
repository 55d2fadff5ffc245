"""Sound classes as data: names, slugs, prompts, icons, colours, body parts, AudioSet labels.

The vocabulary of DCASE2025 Task 3 is the default. No other module depends on the number or the names of its classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from earwitness.core.errors import LabelError, shortened

BodyPart = Literal["", "mouth", "hands", "feet"]
OTHER_GROUP: Final = "other sounds"
"""Group of the classes of a result that are not the model's own; they follow its classes."""
NAME_SUFFIX: Final = " and other sounds"
"""End of the name of a vocabulary that has such classes."""


@dataclass(frozen=True, slots=True)
class SoundClass:
    """One class of sound.

    Attributes:
        index: its position in the vocabulary, from 0.
        name: display name.
        slug: its name in files and folders.
        made_by: body part that makes the sound; empty if it is not made by a person's body.
        prompts: text queries for open-vocabulary vision models, most specific first.
        caption: wording for captions.
        colour: "#RRGGBB" of its marks. The default colours maximise the smallest pairwise difference (CIE Lab), with a
            contrast of at least 2.3 on white and 4 on the dark background of panels.
        icon: name of its icon in `render.icons`.
        labels: labels of AudioSet, FSD50K and ESC-50 that mean exactly this class; broader ones that only include it
            (AudioSet's "Speech", "Water") are left out.
        groups: names of the groups of classes that it belongs to, such as "people"; users choose several classes by
            the name of their group.
    """

    index: int
    name: str
    slug: str
    made_by: BodyPart
    colour: str
    caption: str
    icon: str
    prompts: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...] = ()

    @property
    def human(self) -> bool:
        """Whether a person's body makes the sound, so that a visible person is evidence for this class."""
        return bool(self.made_by)

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue of its colour, 0..255."""
        code = self.colour
        return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The classes that a model detects, in the order of its outputs.

    Attributes:
        name: name of the vocabulary.
        classes: classes, each at the position of its index.

    Raises:
        LabelError: an index differs from the position, or a slug is not unique.
    """

    name: str
    classes: tuple[SoundClass, ...]

    def __post_init__(self) -> None:
        if [one.index for one in self.classes] != list(range(len(self.classes))):
            raise LabelError(f"vocabulary '{self.name}': the index of each class must be its position, from 0")
        if len({one.slug for one in self.classes}) < len(self.classes):
            raise LabelError(f"vocabulary '{self.name}': slugs must be unique")

    def __len__(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def __iter__(self) -> Iterator[SoundClass]:
        """The classes in order."""
        return iter(self.classes)

    def __getitem__(self, index: int) -> SoundClass:
        """The class at an index."""
        return self.classes[index]

    @property
    def slugs(self) -> tuple[str, ...]:
        """The slugs in the order of the indices."""
        return tuple(one.slug for one in self.classes)

    def find(self, slug: str) -> SoundClass | None:
        """The class called `slug`; None if there is none."""
        return next((one for one in self.classes if one.slug == slug), None)

    def by_slug(self, slug: str) -> SoundClass:
        """Return the class called `slug`.

        Raises:
            LabelError: there is no such class.
        """
        found = self.find(slug)
        if found is None:
            known = ", ".join(self.slugs)
            raise LabelError(f"unknown sound class '{slug}'; the classes are: {known}")
        return found

    def difference(self, other: Vocabulary) -> str:
        """How the classes differ from those of another vocabulary, for messages; empty if they are the same.

        Names do not count: files hold slugs and indices.
        """
        if self is other or self.slugs == other.slugs:
            return ""
        mine, theirs = (f"'{shortened(one.name, 60)}'" for one in (self, other))
        if mine != theirs:
            return f"the classes are those of {mine} ({_some(self)}), not of {theirs} ({_some(other)})"
        if len(self) != len(other):
            return f"{mine} has {len(self)} classes, not {len(other)}"
        index = next(index for index, (a, b) in enumerate(zip(self.slugs, other.slugs, strict=True)) if a != b)
        own, theirs = (shortened(one.slugs[index], 60) for one in (self, other))
        return f"class {index} of {mine} is '{own}', not '{theirs}'"


DCASE2025: Final = Vocabulary("dcase2025", (
    SoundClass(
        index=0, name="Female speech", slug="female_speech", made_by="mouth", colour="#F06BA8",
        groups=("people", "speech", "voices"),
        caption="woman speaking", icon="female_speech",
        prompts=("a woman speaking", "a woman"),
        labels=("Female speech, woman speaking", "Female speech and woman speaking"),
    ),
    SoundClass(
        index=1, name="Male speech", slug="male_speech", made_by="mouth", colour="#2387FF",
        groups=("people", "speech", "voices"),
        caption="man speaking", icon="male_speech",
        prompts=("a man speaking", "a man"),
        labels=("Male speech, man speaking", "Male speech and man speaking"),
    ),
    SoundClass(
        index=2, name="Clapping", slug="clapping", made_by="hands", colour="#FF8A00",
        groups=("people",),
        caption="clapping", icon="clapping",
        prompts=("clapping hands", "a person clapping"),
        labels=("Clapping",),
    ),
    SoundClass(
        index=3, name="Telephone", slug="telephone", made_by="", colour="#02C0A5",
        groups=("alarms",),
        caption="telephone ringing", icon="telephone",
        prompts=("a telephone", "a mobile phone"),
        labels=("Telephone", "Telephone bell ringing", "Ringtone", "Ringtones", "Telephone dialing, DTMF",
                "Busy signal", "Dial tone"),
    ),
    SoundClass(
        index=4, name="Laughter", slug="laughter", made_by="mouth", colour="#BBAD06",
        groups=("people", "voices"),
        caption="laughter", icon="laughter",
        prompts=("a person laughing", "a person"),
        labels=("Laughter", "Laughing", "Baby laughter", "Giggle", "Snicker", "Belly laugh", "Chuckle, chortle",
                "Chuckle and chortle"),
    ),
    SoundClass(
        index=5, name="Domestic sounds", slug="domestic_sounds", made_by="", colour="#948A86",
        groups=("household",),
        caption="household noise", icon="domestic_sounds",
        prompts=("a vacuum cleaner", "a kitchen appliance", "dishes", "a fan"),
        labels=("Domestic sounds, home sounds", "Domestic sounds and home sounds", "Dishes, pots, and pans",
                "Dishes and pots and pans", "Cutlery, silverware", "Cutlery and silverware", "Frying (food)",
                "Boiling", "Microwave oven", "Blender", "Kettle whistle", "Vacuum cleaner", "Hair dryer",
                "Toilet flush", "Electric toothbrush", "Electric shaver, electric razor", "Sewing machine",
                "Washing machine", "Mechanical fan", "Chopping (food)"),
    ),
    SoundClass(
        index=6, name="Footsteps", slug="footsteps", made_by="feet", colour="#57C206",
        groups=("people",),
        caption="footsteps", icon="footsteps",
        prompts=("a person walking", "shoes", "a person"),
        labels=("Walk, footsteps", "Walk and footsteps", "Footsteps"),
    ),
    SoundClass(
        index=7, name="Door", slug="door", made_by="", colour="#BC5A3C",
        groups=("household",),
        caption="door opening or closing", icon="door",
        prompts=("a door", "a drawer", "a cupboard"),
        labels=("Door", "Sliding door", "Slam", "Squeak door", "Door wood creaks", "Cupboard open or close",
                "Drawer open or close"),
    ),
    SoundClass(
        index=8, name="Music", slug="music", made_by="", colour="#8069FA",
        groups=("musical",),
        caption="music playing", icon="music",
        prompts=("a loudspeaker", "a radio", "a television"),
        labels=("Music", "Background music", "Pop music", "Rock music", "Classical music", "Electronic music",
                "Jazz", "Hip hop music"),
    ),
    SoundClass(
        index=9, name="Musical instrument", slug="musical_instrument", made_by="", colour="#EA32DD",
        groups=("musical",),
        caption="instrument playing", icon="musical_instrument",
        prompts=("a guitar", "a keyboard", "a musical instrument"),
        labels=("Musical instrument", "Plucked string instrument", "Guitar", "Electric guitar", "Acoustic guitar",
                "Bass guitar", "Strum", "Keyboard (musical)", "Piano", "Electric piano", "Organ", "Violin, fiddle",
                "Cello", "Bowed string instrument", "Brass instrument", "Trumpet", "Trombone", "Flute", "Saxophone",
                "Clarinet", "Harp", "Accordion", "Harmonica", "Banjo", "Mandolin", "Ukulele", "Marimba, xylophone",
                "Marimba and xylophone", "Glockenspiel", "Vibraphone", "Drum", "Drum kit", "Snare drum",
                "Bass drum", "Tambourine", "Wind instrument, woodwind instrument",
                "Wind instrument and woodwind instrument"),
    ),
    SoundClass(
        index=10, name="Water tap", slug="water_tap", made_by="", colour="#00B3E8",
        groups=("household",),
        caption="water running", icon="water_tap",
        prompts=("a water tap", "a sink"),
        labels=("Water tap, faucet", "Water tap and faucet", "Sink (filling or washing)"),
    ),
    SoundClass(
        index=11, name="Bell", slug="bell", made_by="", colour="#FF2A44",
        groups=("alarms",),
        caption="bell ringing", icon="bell",
        prompts=("a bell", "a bicycle bell"),
        labels=("Bell", "Church bell", "Church bells", "Bicycle bell", "Cowbell", "Jingle bell", "Chime", "Chimes",
                "Doorbell", "Ding-dong", "Wind chime", "Tubular bells"),
    ),
    SoundClass(
        index=12, name="Knock", slug="knock", made_by="", colour="#3F8A2C",
        groups=("household",),
        caption="knocking", icon="knock",
        prompts=("a hand knocking", "a door"),
        labels=("Knock", "Door wood knock"),
    ),
))  # fmt: skip

CLASSES: Final = DCASE2025.classes
NUM_CLASSES: Final = len(DCASE2025)


def class_by_slug(slug: str) -> SoundClass:
    """Return the class of the default vocabulary called `slug`.

    Raises:
        LabelError: there is no such class.
    """
    return DCASE2025.by_slug(slug)


def own_classes(vocabulary: Vocabulary) -> Vocabulary:
    """The model's own classes of the vocabulary of a result."""
    own = tuple(one for one in vocabulary if OTHER_GROUP not in one.groups)
    if len(own) == len(vocabulary) or not own:
        return vocabulary
    found = Vocabulary(vocabulary.name.removesuffix(NAME_SUFFIX), own)
    return DCASE2025 if found == DCASE2025 else found


def _some(vocabulary: Vocabulary) -> str:
    """The first slugs, for messages."""
    return ", ".join(shortened(slug, 30) for slug in vocabulary.slugs[:3]) + (", ..." if len(vocabulary) > 3 else "")
