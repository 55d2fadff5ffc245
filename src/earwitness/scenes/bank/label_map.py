"""From the labels of AudioSet, FSD50K and ESC-50 to the 13 classes of DCASE2025 Task 3."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_LABELS: Final[dict[str, str]] = {
    "female_speech": "Female speech, woman speaking; Female speech and woman speaking",
    "male_speech": "Male speech, man speaking; Male speech and man speaking",
    "clapping": "Clapping",
    "telephone": (
        "Telephone; Telephone bell ringing; Ringtone; Ringtones; Telephone dialing, DTMF; Busy signal; Dial tone"
    ),
    "laughter": (
        "Laughter; Laughing; Baby laughter; Giggle; Snicker; Belly laugh; Chuckle, chortle; Chuckle and chortle"
    ),
    "domestic_sounds": (
        "Domestic sounds, home sounds; Domestic sounds and home sounds; Dishes, pots, and pans; "
        "Dishes and pots and pans; "
        "Cutlery, silverware; Cutlery and silverware; Frying (food); Boiling; Microwave oven; Blender; Kettle whistle; "
        "Vacuum cleaner; Hair dryer; Toilet flush; Electric toothbrush; Electric shaver, electric razor; "
        "Sewing machine; Washing machine; Mechanical fan; Chopping (food)"
    ),
    "footsteps": "Walk, footsteps; Walk and footsteps; Footsteps",
    "door": (
        "Door; Sliding door; Slam; Squeak door; Door wood creaks; Cupboard open or close; Drawer open or close"
    ),
    "music": "Music; Background music; Pop music; Rock music; Classical music; Electronic music; Jazz; Hip hop music",
    "musical_instrument": (
        "Musical instrument; Plucked string instrument; Guitar; Electric guitar; Acoustic guitar; Bass guitar; "
        "Strum; Keyboard (musical); Piano; Electric piano; Organ; Violin, fiddle; Cello; Bowed string instrument; "
        "Brass instrument; Trumpet; Trombone; Flute; Saxophone; Clarinet; Harp; Accordion; Harmonica; Banjo; "
        "Mandolin; Ukulele; Marimba, xylophone; Marimba and xylophone; Glockenspiel; Vibraphone; Drum; Drum kit; "
        "Snare drum; Bass drum; Tambourine; Wind instrument, woodwind instrument; "
        "Wind instrument and woodwind instrument"
    ),
    "water_tap": "Water tap, faucet; Water tap and faucet; Sink (filling or washing)",
    "bell": (
        "Bell; Church bell; Church bells; Bicycle bell; Cowbell; Jingle bell; Chime; Chimes; Doorbell; Ding-dong; "
        "Wind chime; Tubular bells"
    ),
    "knock": "Knock; Door wood knock",
}  # fmt: skip
"""Labels that say the class itself; those that only may contain it (AudioSet's "Speech", "Water") are left out."""


def _key(label: str) -> str:
    """Spelling that the three vocabularies share: lower case, words joined by underscores, no punctuation."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


_BY_LABEL: Final[dict[str, str]] = {
    _key(label): slug for slug, labels in _LABELS.items() for label in [slug, *labels.split(";")]
}
_GENERAL: Final = {
    "bell": {"telephone", "musical_instrument"},
    "music": {"musical_instrument"},
    "door": {"knock", "bell"},
}
"""A class whose label another class's more special label implies in AudioSet's ontology."""


def class_of(label: str) -> str | None:
    """Slug of the class that a label of AudioSet, FSD50K or ESC-50 belongs to; None where it belongs to none.

    Spelling with spaces, commas or underscores is the same: "Water tap, faucet", "Water_tap_and_faucet".
    """
    return _BY_LABEL.get(_key(label))


def class_of_all(labels: Iterable[str]) -> str | None:
    """Slug of the one class that a recording with these labels shows.

    Labels of an ontology come with their parents ("Telephone", "Bell", "Domestic sounds"): of two classes the more
    special counts. None where no label has a class, or where two sound at once.
    """
    found = {slug for slug in map(class_of, labels) if slug}
    found -= {general for general, special in _GENERAL.items() if found & special}
    if len(found) > 1:
        found.discard("domestic_sounds")  # the parent of doors, knocks, taps and footsteps' floors
    return found.pop() if len(found) == 1 else None
