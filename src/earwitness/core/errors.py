"""Typed errors: each message says what is wrong and what to do about it.

Everything that can go wrong with a user's input ends in an `EarwitnessError`; the command line prints its message on
one line, without a traceback.
"""

from __future__ import annotations


class EarwitnessError(Exception):
    """Base of all errors that earwitness raises on purpose."""


class MediaError(EarwitnessError):
    """A sound or video file that cannot be used."""


class UnreadableMediaError(MediaError):
    """The file is missing, empty, truncated beyond use, or not a media file."""


class NoAudioError(MediaError):
    """The file has no sound track."""


class NoVideoError(MediaError):
    """The file has no picture, where one is needed."""


class NotStereoError(MediaError):
    """The sound is mono or dual mono, so that it carries no direction."""


class EncodingError(MediaError):
    """A media file could not be written."""


class LabelError(EarwitnessError):
    """A label or prediction table that breaks its format: names the file, the line and what is wrong."""


class ModelError(EarwitnessError):
    """A model, checkpoint or model card that is missing, damaged or does not fit."""


class EncoderError(EarwitnessError):
    """A semantic encoder whose input, weights or cached tokens are missing, damaged or do not fit."""


class MissingWeightsError(EncoderError):
    """The weights of an encoder are not on this machine; names the command that fetches them."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(f"the weights of '{name}' are not in '{where}'; run: earwitness models pull {name}")


class BankError(EarwitnessError):
    """A sound bank that is missing, empty or unreadable."""


class WorkerError(EarwitnessError):
    """A process that did a part of the work is gone: what it worked on made a library crash, or memory ran out."""


class SynthesisError(EarwitnessError):
    """A set of synthetic clips that cannot be rendered further; clips that are done stay."""


class ClusterError(EarwitnessError):
    """There is no cluster of machines to work on, or it cannot be started."""


class UsageError(EarwitnessError):
    """An option, an argument or a setting that is not valid."""


class RecipeError(UsageError):
    """A training recipe, or the recipe of a scene, that is not valid."""


class TrainingError(EarwitnessError):
    """Training cannot go on (say, the loss became NaN); says which state was kept."""


class MissingExtraError(EarwitnessError):
    """A feature that needs an optional install; says which."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional install: pip install 'earwitness[{extra}]'")
        self._parts = feature, extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        """Rebuild it from what it was made of: it travels between processes."""
        return type(self), self._parts


def first_line(error: Exception, longest: int = 160) -> str:
    """What a foreign error says, on one line, to be told within our own message; its type if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0][:longest] if lines else type(error).__name__
