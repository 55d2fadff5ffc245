"""Typed errors: each message says what is wrong and what to do about it.

Every problem with a user's input raises an `EarwitnessError`; the command line prints its message on one line, without
a traceback.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final


class EarwitnessError(Exception):
    """Base class of all deliberate errors; `str()` returns one printable line."""

    def __str__(self) -> str:
        return one_line(super().__str__())


class MediaError(EarwitnessError):
    """A sound or video file that cannot be used."""


class UnreadableMediaError(MediaError):
    """The file is missing, empty, truncated beyond use, or not a media file."""


class MediaLimitError(MediaError):
    """The file exceeds a limit on its sample rate, pixels or filled gaps; the message names the limit to raise."""


class NoAudioError(MediaError):
    """The file has no audio track."""


class NoVideoError(MediaError):
    """The file has no video track, but one is needed."""


class NotStereoError(MediaError):
    """The sound is mono or dual mono, so it carries no direction."""


class TimeLimitError(MediaError):
    """Processing a file exceeded its limit of elapsed time or CPU time."""


class MemoryLimitError(MediaError):
    """Processing a file exceeded its memory limit."""


class EncodingError(MediaError):
    """A media file could not be written."""


class InUseError(EarwitnessError):
    """Another program is writing to the folder or file; the message names the program."""


class LabelError(EarwitnessError):
    """A malformed label or prediction table; the message names file, line and problem."""


class ModelError(EarwitnessError):
    """A model, checkpoint or model card that is missing, damaged or incompatible."""


class HubError(EarwitnessError):
    """The model hub cannot be reached, does not have what was asked for, or refuses it."""


class EncoderError(EarwitnessError):
    """A semantic encoder whose input, weights or cached tokens are missing, damaged or incompatible."""


class MissingWeightsError(EncoderError):
    """The weights of an encoder are not installed; the message names the command that downloads them."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(f"the weights of '{name}' are not in '{where}'; run: earwitness models pull {name}")


class BankError(EarwitnessError):
    """A sound bank that is missing, empty or unreadable."""


class WorkerError(EarwitnessError):
    """A worker process died: its input crashed a library, or memory ran out."""


class CancelledError(EarwitnessError):
    """The caller cancelled the work."""


class SynthesisError(EarwitnessError):
    """Rendering a set of synthetic clips failed; finished clips are kept."""


class BenchmarkError(EarwitnessError):
    """A benchmark set or a leaderboard entry that is missing, incomplete, or was changed after it was made."""


class ClusterError(EarwitnessError):
    """The compute cluster cannot be reached or started."""


class UsageError(EarwitnessError):
    """An invalid option, argument or setting."""


class RecipeError(UsageError):
    """An invalid training recipe or scene recipe."""


class TrainingError(EarwitnessError):
    """Training cannot continue (for example, the loss is NaN); the message names the state that was saved."""


class MissingExtraError(EarwitnessError):
    """A feature that needs an optional install; the message names the extra."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional install: pip install 'earwitness[{extra}]'")
        self._parts = feature, extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        """Pickle the constructor's arguments, so that the error can be sent between processes."""
        return type(self), self._parts


def first_line(error: BaseException, longest: int = 160) -> str:
    """First line of another library's error message, shortened for use in a message; its type if it has no message."""
    lines = str(error).strip().splitlines()
    return shortened(lines[0], longest) if lines else type(error).__name__


def shortened(text: str, longest: int = 160) -> str:
    """Text on one line and of limited length, for use in a message."""
    line = one_line(text[: 4 * longest])
    return line if len(line) <= longest and len(text) <= 4 * longest else f"{line[: longest - 3]}..."


def one_line(text: str) -> str:
    """Text without line breaks; unprintable characters are written as escapes."""
    spaced = " ".join(text.split())
    return "".join(character if character.isprintable() else _escaped(character) for character in spaced)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


_ADVICE: Final = {
    errno.ENOSPC: "free some disk space",
    errno.EDQUOT: "free some disk space, or ask for a larger quota",
    errno.EFBIG: "files of this size are not allowed there; choose another folder",
    errno.ENAMETOOLONG: "give the input a shorter name",
    errno.EACCES: "choose a folder that you can write to",
    errno.EPERM: "choose a folder that you can write to",
    errno.EROFS: "choose a folder that you can write to",
    errno.EEXIST: "it is not a folder; name another one",
    errno.ENOTDIR: "a part of it is not a folder; name another place",
    errno.ENOENT: "its folder was deleted; start again",
}


def unwritable(path: Path, error: OSError) -> EncodingError:
    """Error that names the file, the reason and what to do."""
    advice = _ADVICE.get(error.errno or 0, "check the folder and the disk space")
    return EncodingError(f"{path}: cannot be written ({error.strerror or error}); {advice}")
