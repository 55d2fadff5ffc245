"""What a detection says about sounds that are none of the classes, and whether the model and the machine can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from earwitness.core.classes.vocabulary_record import MOST_CLASSES
from earwitness.core.errors import UsageError, shortened
from earwitness.core.events import EventTable
from earwitness.core.vocabulary import Vocabulary
from earwitness.detect.any_sound.audioset_sounds import UNNAMED, AudioSetSound, other_sounds
from earwitness.detect.any_sound.class_free import NEAR_DEG, SUPPORT
from earwitness.detect.any_sound.sorting import SortingRules, sort_sounds
from earwitness.detect.any_sound.steering import SoundSource
from earwitness.detect.any_sound.tagging import SoundNames, SoundTagger, load_tagger
from earwitness.detect.any_sound.word_search import FoundSounds, TextEncoder, found_sounds
from earwitness.detect.detect_settings import DetectSettings
from earwitness.detect.runner.model_runner import Runner
from earwitness.detect.smoothing import Smoothing
from earwitness.results.selection import ClassChoice

HOW_TO_NAME: Final = "run: earwitness models pull yamnet"


@dataclass(frozen=True, slots=True)
class SoundPlan:
    """How the sounds of one detection are sorted.

    Attributes:
        vocabulary: the classes of the model.
        any_sound: whether sounds that are none of the classes are wanted.
        found: slugs of the sounds that are searched for; empty: all.
        tagger: names the sounds; None: they have no names.
        smoothing: of the events of the classes.
        rules: of the model.
        nearest: words that are no name, with the name of the nearest sound.
    """

    vocabulary: Vocabulary
    smoothing: Smoothing
    any_sound: bool = False
    found: tuple[str, ...] = ()
    tagger: SoundTagger | None = None
    rules: SortingRules = field(default_factory=SortingRules)
    nearest: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, runner: Runner, settings: DetectSettings, words: Path | None = None) -> SoundPlan:
        """The plan for the settings of a detection.

        Args:
            runner: runs the model.
            settings: the settings.
            words: folder of an encoder of words; None: there is none.

        Raises:
            UsageError: nothing is called as the words of `find`; or the model has no class for any sound, or too many
                classes; or names are searched for and the tagger is not installed.
            EncoderError: the tagger is damaged.
        """
        vocabulary, smoothing = runner.card.vocabulary.vocabulary(), settings.smoothing(runner.card.smoothing)
        load_words = None if words is None else partial(_word_encoder, words)
        meant = found_sounds(settings.find, vocabulary, load_words) if settings.find else FoundSounds()
        found, nearest = meant.slugs, tuple(meant.nearest.items())
        beyond = [slug for slug in found if vocabulary.find(slug) is None]
        if settings.labels != "any" and not beyond:
            return cls(vocabulary, smoothing, found=found, nearest=nearest)
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
        rules = SortingRules(runner.card.any_sound, smoothing)
        return cls(vocabulary, smoothing, True, found, tagger, rules, nearest)

    def selected(self, choice: ClassChoice, table: EventTable) -> EventTable:
        """The rows of the model's classes that are wanted, while detection runs.

        Args:
            choice: the classes that results keep.
            table: events of the model's classes.
        """
        return ClassChoice.of(self.found).select(choice.select(table, self.vocabulary), self.vocabulary)

    def only_classes(self, what: str) -> SoundPlan:
        """This plan, for results that are needed while detection runs.

        Raises:
            UsageError: it has other sounds, which are named at the end; the message begins with `what`.
        """
        if self.any_sound:
            raise UsageError(
                f"{what}: sounds that are none of the classes (--labels any, --find) are named at the end only; "
                "leave one of them out"
            )
        return self

    @property
    def note(self) -> str:
        """What the user should know: what words were taken for, how to get names; empty if there is nothing."""
        notes = [f"no sound is called '{shortened(text, 60)}'; the nearest is '{name}'" for text, name in self.nearest]
        if self.any_sound and self.tagger is None:
            notes.append(
                f"sounds that are none of the classes are called '{UNNAMED.name}'; for their names, {HOW_TO_NAME}"
            )
        return "; ".join(notes)

    @property
    def record(self) -> dict[str, Any]:
        """Everything else that determines the other sounds, as plain values; empty if they are not wanted."""
        if not self.any_sound:
            return {}
        tagger = None if self.tagger is None else self.tagger.fingerprint
        values = {"threshold": self.rules.any_sound.threshold, "support": SUPPORT, "near_deg": NEAR_DEG}
        return {"any_sound": values | {"doubt": list(self.rules.any_sound.doubt), "tagger": tagger}}

    def sort(
        self, decoded: EventTable, free: EventTable | None, source: SoundSource, rate: int
    ) -> tuple[EventTable, EventTable]:
        """The events of the classes that are left, and these with the other sounds.

        Args:
            decoded: events of the classes, before smoothing.
            free: rows of the class-free track; None: there is none.
            source: returns the recording.
            rate: samples per second.
        """
        if free is None:
            classes = self.smoothing.apply(decoded)
            return classes, classes
        names = None if self.tagger is None else SoundNames(self.vocabulary, self.tagger)
        sounds = sort_sounds(decoded, free, names, source, rate, self.rules)
        return sounds.classes, sounds.joined(self.vocabulary, self._always)

    @property
    def _always(self) -> tuple[AudioSetSound, ...]:
        """The sounds searched for: the result lists them even if they do not occur."""
        wanted: Sequence[AudioSetSound] = other_sounds(self.vocabulary)
        return tuple(sound for sound in wanted if sound.slug in self.found)


def _word_encoder(folder: Path) -> TextEncoder:
    from earwitness.encoders.words import WordEncoder

    return WordEncoder.load(folder)
