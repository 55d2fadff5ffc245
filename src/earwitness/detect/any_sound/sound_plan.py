"""What a detection says about sounds that are none of the classes, and whether the model and the machine can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from earwitness.core.classes.vocabulary_record import MOST_CLASSES
from earwitness.core.errors import UsageError
from earwitness.core.events import EventTable
from earwitness.core.vocabulary import Vocabulary
from earwitness.detect.any_sound.audioset_sounds import UNNAMED, AudioSetSound, other_sounds
from earwitness.detect.any_sound.class_free import NEAR_DEG, SUPPORT, THRESHOLD
from earwitness.detect.any_sound.sorting import sort_sounds
from earwitness.detect.any_sound.steering import SoundSource
from earwitness.detect.any_sound.tagging import SoundNames, SoundTagger, load_tagger
from earwitness.detect.any_sound.word_search import found_slugs
from earwitness.detect.detect_settings import DetectSettings
from earwitness.detect.runner.model_runner import Runner

HOW_TO_NAME: Final = "run: earwitness models pull yamnet"


@dataclass(frozen=True, slots=True)
class SoundPlan:
    """How the sounds of one detection are sorted.

    Attributes:
        vocabulary: the classes of the model.
        any_sound: whether sounds that are none of the classes are wanted.
        found: slugs of the sounds that are searched for; empty: all.
        tagger: names the sounds; None: they have no names.
    """

    vocabulary: Vocabulary
    any_sound: bool = False
    found: tuple[str, ...] = ()
    tagger: SoundTagger | None = None

    @classmethod
    def of(cls, runner: Runner, settings: DetectSettings) -> SoundPlan:
        """The plan for the settings of a detection.

        Raises:
            UsageError: nothing is called as the words of `find`; or the model has no class for any sound, or too many
                classes; or names are searched for and the tagger is not installed.
            EncoderError: the tagger is damaged.
        """
        vocabulary = runner.card.vocabulary.vocabulary()
        found = found_slugs(settings.find, vocabulary) if settings.find else ()
        beyond = [slug for slug in found if vocabulary.find(slug) is None]
        if settings.labels != "any" and not beyond:
            return cls(vocabulary, found=found)
        if not runner.any_sound:
            what = f"'{beyond[0]}', which is none of them," if beyond else "any sound"
            raise UsageError(
                f"the model '{runner.card.name}' detects its classes only; {what} needs a model that was trained with "
                "any_sound: true (docs/any-sound.md)"
            )
        if len(vocabulary) + len(beyond) >= MOST_CLASSES:
            raise UsageError(f"a model with {len(vocabulary)} classes leaves no room for other sounds in a result")
        tagger = load_tagger()
        if tagger is None and set(beyond) - {UNNAMED.slug}:
            raise UsageError(f"finding '{beyond[0]}' needs the tagger that names sounds; {HOW_TO_NAME}")
        return cls(vocabulary, any_sound=True, found=found, tagger=tagger)

    @property
    def note(self) -> str:
        """What the user should know: how to get names; empty if there is nothing."""
        if not self.any_sound or self.tagger is not None:
            return ""
        return f"sounds that are none of the classes are called '{UNNAMED.name}'; for their names, {HOW_TO_NAME}"

    @property
    def record(self) -> dict[str, Any]:
        """Everything else that determines the other sounds, as plain values; empty if they are not wanted."""
        if not self.any_sound:
            return {}
        tagger = None if self.tagger is None else self.tagger.fingerprint
        return {"any_sound": {"threshold": THRESHOLD, "support": SUPPORT, "near_deg": NEAR_DEG, "tagger": tagger}}

    def sort(
        self, classes: EventTable, free: EventTable | None, source: SoundSource, rate: int
    ) -> tuple[EventTable, EventTable]:
        """The events of the classes that are left, and these with the other sounds.

        Args:
            classes: smoothed events of the classes.
            free: rows of the class-free track; None: there is none.
            source: returns the recording.
            rate: samples per second.
        """
        if free is None:
            return classes, classes
        names = None if self.tagger is None else SoundNames(self.vocabulary, self.tagger)
        sounds = sort_sounds(classes, free, names, source, rate)
        return sounds.classes, sounds.joined(self.vocabulary, self._always)

    @property
    def _always(self) -> tuple[AudioSetSound, ...]:
        """The sounds searched for: the result lists them even if they do not occur."""
        wanted: Sequence[AudioSetSound] = other_sounds(self.vocabulary)
        return tuple(sound for sound in wanted if sound.slug in self.found)
