"""The sounds beyond the classes: a table of AudioSet's labels that matter in videos, as data."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Final

from pydantic import Field, TypeAdapter

from earwitness.core.classes.vocabulary_record import MOST_CLASSES, ClassRecord, complete_classes
from earwitness.core.errors import UsageError
from earwitness.core.schema import StrictModel
from earwitness.core.vocabulary import DCASE2025, NAME_SUFFIX, OTHER_GROUP, BodyPart, Vocabulary

USUAL: Final = 0.003
"""Mean probability of a sound for which it is not known."""


class AudioSetSound(StrictModel):
    """One kind of sound.

    Attributes:
        slug, name, made_by: as in `SoundClass`.
        labels: the labels of AudioSet that it covers.
        words: what else it is called, in searches.
        kin: slugs of the classes that it does not contradict: a telephone may well be tagged as an alarm.
        together: slugs of the classes that together are this sound, as women's and men's speech are speech.
        broad: whether it includes others, so that it is the name only where no narrower one fits.
        usual: mean probability by the tagger for sounds of all kinds: what it often says is worth less.
    """

    slug: str
    name: str
    labels: tuple[str, ...]
    words: tuple[str, ...] = ()
    made_by: BodyPart = ""
    kin: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    broad: bool = False
    usual: float = Field(USUAL, ge=0, le=1)


UNNAMED: Final = AudioSetSound(slug="other_sound", name="Other sound", labels=(), words=("sound", "unknown"))
"""A sound that the tagger cannot name, or all of them where its weights are not installed."""


@cache
def audioset_sounds() -> tuple[AudioSetSound, ...]:
    """All kinds of sound: those of the table, and the classes of DCASE2025, which a model may not have."""
    text = (files("earwitness") / "assets" / "any_sound" / "audioset.json").read_text(encoding="utf-8")
    listed = TypeAdapter(tuple[AudioSetSound, ...]).validate_python(json.loads(text))
    classes = [
        AudioSetSound(
            slug=one.slug, name=one.name, labels=one.labels, made_by=one.made_by, broad="musical" in one.groups
        )
        for one in DCASE2025
        if "speech" not in one.groups  # taggers of AudioSet do not tell women from men
    ]
    return (*classes, *listed)


def is_own(sound: AudioSetSound, vocabulary: Vocabulary) -> bool:
    """Whether the classes of a model cover a sound."""
    labels = {label for one in vocabulary for label in one.labels}
    slugs = set(vocabulary.slugs)
    return sound.slug in slugs or bool(slugs & set(sound.together)) or set(sound.labels) <= labels


def other_sounds(vocabulary: Vocabulary) -> tuple[AudioSetSound, ...]:
    """The sounds that the classes of a model do not cover; `UNNAMED` is the last."""
    return (*(sound for sound in audioset_sounds() if not is_own(sound, vocabulary)), UNNAMED)


def with_sounds(vocabulary: Vocabulary, sounds: list[AudioSetSound]) -> Vocabulary:
    """The classes of a model, followed by other sounds, which are in `OTHER_GROUP`.

    Raises:
        UsageError: a result cannot have so many classes.
        LabelError: the model has a class called like one of the sounds.
    """
    if not sounds:
        return vocabulary
    if len(vocabulary) + len(sounds) > MOST_CLASSES:
        raise UsageError(
            f"the model has {len(vocabulary)} classes, which with {len(sounds)} other sounds are more than "
            f"{MOST_CLASSES}; use --labels classes"
        )
    fields = [name for name in ClassRecord.model_fields if name not in ("name", "slug")]
    records = [
        ClassRecord(name=one.name, slug=one.slug, **{name: getattr(one, name) for name in fields}) for one in vocabulary
    ]
    for sound in sounds:
        record = {"name": sound.name, "slug": sound.slug, "made_by": sound.made_by, "labels": sound.labels}
        records.append(ClassRecord.model_validate(record | {"groups": (OTHER_GROUP,)}))
    return Vocabulary(vocabulary.name + NAME_SUFFIX, complete_classes(records))
