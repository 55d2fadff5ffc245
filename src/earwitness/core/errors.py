"""Typed errors: each message says what is wrong and what to do about it.

Everything that can go wrong with a user's input ends in an `EarwitnessError`; the command line prints its message on
one line, without a traceback.
"""

from __future__ import annotations


class EarwitnessError(Exception):
    """Base of all errors that earwitness raises on purpose; as text, one line that any terminal or page can show."""

    def __str__(self) -> str:
        return one_line(super().__str__())


class MediaError(EarwitnessError):
    """A sound or video file that cannot be used."""


class UnreadableMediaError(MediaError):
    """The file is missing, empty, truncated beyond use, or not a media file."""


class MediaLimitError(MediaError):
    """The file asks for more than the limits allow: rate, pixels, filled silence; says which limit can be raised."""


class NoAudioError(MediaError):
    """The file has no sound track."""


class NoVideoError(MediaError):
    """The file has no picture, where one is needed."""


class NotStereoError(MediaError):
    """The sound is mono or dual mono, so that it carries no direction."""


class TimeLimitError(MediaError):
    """Work on a file took more time, or processor time, than it may."""


class MemoryLimitError(MediaError):
    """Work on a file took more memory than it may."""


class EncodingError(MediaError):
    """A media file could not be written."""


class InUseError(EarwitnessError):
    """A folder or file that another program is writing to; says which program."""


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


class CancelledError(EarwitnessError):
    """Work was stopped because nobody waits for it any more."""


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


def first_line(error: BaseException, longest: int = 160) -> str:
    """What a foreign error says, on one line, to be told within our own message; its type if it says nothing."""
    lines = str(error).strip().splitlines()
    return shortened(lines[0], longest) if lines else type(error).__name__


def shortened(text: str, longest: int = 160) -> str:
    """Text on one line and of bounded length, to be told within a message."""
    line = one_line(text[: 4 * longest])
    return line if len(line) <= longest and len(text) <= 4 * longest else f"{line[: longest - 3]}..."


def one_line(text: str) -> str:
    """Text without line breaks; control characters and others that do not print are written as escapes."""
    spaced = " ".join(text.split())
    return "".join(character if character.isprintable() else _escaped(character) for character in spaced)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
