"""What a tagger of AudioSet's classes says about a sound: the names of other sounds, and doubts about a class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import MissingWeightsError
from earwitness.core.vocabulary import SoundClass, Vocabulary
from earwitness.detect.any_sound.audioset_sounds import (
    UNNAMED,
    USUAL,
    AudioSetSound,
    audioset_sounds,
    is_own,
    other_sounds,
)

Float32Array = NDArray[np.float32]

NAMED: Final = 0.05
"""Mean probability from which a sound gets a name."""
USUAL_POWER: Final = 0.5
"""A probability is divided by this power of what is usual for the sound, before the sounds are compared."""
CERTAIN: Final = 0.5
"""Mean probability from which a sound that the model has decided against is one of its classes all the same."""
_BROAD_WEIGHT: Final = 0.5
_LEVEL: Final = 0.05
"""Root mean square that the tagger gets: that of the recordings it was trained on, roughly."""
_LARGEST_GAIN: Final = 30.0
_HOP_FRAMES: Final = 48


class SoundTagger(Protocol):
    """A network that tags sound."""

    @property
    def classes(self) -> Sequence[str]:
        """Names of its classes, AudioSet's."""

    @property
    def fingerprint(self) -> str:
        """Identifies weights and settings."""

    def tag(self, stereo: Float32Array, rate: int) -> Any:
        """Logits as a `TokenMap` of (T, 1, classes)."""


def load_tagger() -> SoundTagger | None:
    """YAMNet; None if its weights are not installed.

    Raises:
        EncoderError: they are damaged.
    """
    from earwitness.encoders.yamnet import Yamnet, YamnetSettings

    try:
        return Yamnet.load(YamnetSettings(hop_frames=_HOP_FRAMES))
    except MissingWeightsError:
        return None


class SoundNames:
    """Names for sounds beside the classes of a model.

    Args:
        vocabulary: the classes of the model.
        tagger: tags the sounds.
    """

    def __init__(self, vocabulary: Vocabulary, tagger: SoundTagger) -> None:
        self._tagger = tagger
        self._place = {name: index for index, name in enumerate(tagger.classes)}
        self._others = other_sounds(vocabulary)[:-1]
        labels = {label for one in vocabulary for label in one.labels}
        self._other_labels = [self._places(set(one.labels) - labels) for one in self._others]
        own = [sound for sound in audioset_sounds() if is_own(sound, vocabulary)]
        self._own = [(self._places(one.labels), 1.0) for one in vocabulary]
        self._own += [(self._places(one.labels), self._weight(one)) for one in own]

    def probabilities(self, sound: Float32Array, rate: int) -> Float32Array:
        """Mean probability (classes,) of the tagger's classes over a sound (n,)."""
        level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
        sound = sound * np.float32(min(_LARGEST_GAIN, _LEVEL / max(level, 1e-9)))
        logits = self._tagger.tag(np.stack([sound, sound]), rate).tokens[:, 0]
        return np.asarray((1 / (1 + np.exp(-np.clip(logits, -50, 50)))).mean(axis=0), dtype=np.float32)

    def name(self, probabilities: Float32Array) -> AudioSetSound | None:
        """The other sound that it is; `UNNAMED` if no name is likely; None if it is certainly one of the classes."""
        best, score = self._best(probabilities)
        own = max((weight * _highest(probabilities, places) for places, weight in self._own), default=0.0)
        if own >= max(score, CERTAIN):
            return None
        return best if score >= max(own, NAMED) else UNNAMED

    def other(self, probabilities: Float32Array, sound_class: SoundClass) -> float | None:
        """Highest probability of a sound that contradicts a class; None for a class of which nothing is known."""
        if not len(self._places(sound_class.labels)):
            return None
        slug = sound_class.slug
        kin = {one.slug for one in audioset_sounds() if slug in (one.slug, *one.kin, *one.together)}
        return max((float(score) for one, score in self.scores(probabilities) if one.slug not in kin), default=0.0)

    def scores(self, probabilities: Float32Array) -> list[tuple[AudioSetSound, Float32Array]]:
        """The other sounds, and for each the highest probability (...) of its labels, out of those of (..., classes).

        That of a broad sound counts half, so that it is the name only where no narrower one fits.
        """
        return [
            (one, self._weight(one) * probabilities[..., places].max(axis=-1, initial=0.0))
            for one, places in zip(self._others, self._other_labels, strict=True)
        ]

    def _best(self, probabilities: Float32Array) -> tuple[AudioSetSound, float]:
        scored = [(one, float(score)) for one, score in self.scores(probabilities)]
        return max(scored, key=lambda pair: pair[1] / (pair[0].usual + USUAL) ** USUAL_POWER)

    def _places(self, labels: Iterable[str]) -> NDArray[np.intp]:
        return np.array([self._place[label] for label in labels if label in self._place], dtype=np.intp)

    @staticmethod
    def _weight(sound: AudioSetSound) -> float:
        return _BROAD_WEIGHT if sound.broad else 1.0


def _highest(probabilities: Float32Array, places: NDArray[np.intp]) -> float:
    return float(probabilities[places].max(initial=0.0))
