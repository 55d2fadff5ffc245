"""The recordings of the new classes: one folder a class, checked and divided into folds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from earwitness.core.classes.class_files import FILE_NAMES, read_classes, vocabulary_of
from earwitness.core.errors import BankError, LabelError, one_line
from earwitness.core.vocabulary import Vocabulary
from earwitness.scenes.bank.adaptors import adaptor_of
from earwitness.scenes.bank.bank_check import copies_between, unusable_sounds
from earwitness.scenes.bank.bank_sound import BACKGROUND, INTERFERENCE, BankSound
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.bank.splits import copied_files

MOST_RECORDINGS: Final = 50
MOST_FOLDS: Final = 5
_KINDS: Final = (BACKGROUND, INTERFERENCE)


@dataclass(frozen=True, slots=True, eq=False)
class UserSounds:
    """The usable recordings of the new classes.

    Attributes:
        folder: the user's folder.
        vocabulary: the new classes.
        sounds: the recordings, and those of `background` and `interference`, if the folder has these.
        fold: number of the fold of each recording of a class, by name; other recordings are in all folds.
        skipped: recordings that are not used, with the reason.
    """

    folder: Path
    vocabulary: Vocabulary
    sounds: tuple[BankSound, ...]
    fold: Mapping[str, int]
    skipped: Mapping[str, str]

    @property
    def folds(self) -> int:
        """Number of folds."""
        return 1 + max(self.fold.values())

    def count(self, slug: str) -> int:
        """Number of recordings of a class."""
        return sum(sound.kind == slug for sound in self.sounds)

    def of_fold(self, number: int) -> list[BankSound]:
        """The recordings of a fold."""
        return [sound for sound in self.sounds if self.fold.get(sound.name, number) == number]


def open_sounds(folder: Path) -> UserSounds:
    """Open the folder of the user's recordings.

    A file that cannot be used, a further copy of a recording, and recordings beyond `MOST_RECORDINGS` of a class are
    skipped with a reason.

    Raises:
        BankError: there is no such folder, names of classes cannot be used, a class has no usable recording, or two
            classes have the same recording.
    """
    if not folder.is_dir():
        raise BankError(f"'{folder}': no such folder; give a folder with a folder of recordings for each class")
    vocabulary = _vocabulary(folder)
    bank = SoundBank.open(folder, classes=vocabulary)
    unusable = unusable_sounds(bank)
    skipped = {name: one_line(reason) for name, reason in unusable.items()}
    copies = copied_files(folder, bank.sounds)
    skipped |= {
        name: f"is a copy of '{min(same)}'" for same in copies for name in sorted(same)[1:] if name not in skipped
    }
    by_kind: dict[str, list[BankSound]] = defaultdict(list)
    for sound in bank.sounds:
        if sound.name in skipped:
            continue
        if sound.kind not in _KINDS and len(by_kind[sound.kind]) >= MOST_RECORDINGS:
            skipped[sound.name] = f"'{sound.kind}' has more than {MOST_RECORDINGS} recordings, which is enough"
        else:
            by_kind[sound.kind].append(sound)
    for slug in vocabulary.slugs:
        if not by_kind[slug]:
            why = next((reason for name, reason in skipped.items() if bank.sound(name).kind == slug), "it is empty")
            raise BankError(f"'{folder}': the class '{slug}' has no usable recording ({why})")
    _refuse_copies(folder, by_kind)
    most = max(len(by_kind[slug]) for slug in vocabulary.slugs)
    folds = min(MOST_FOLDS, most)
    fold = {sound.name: number % folds for slug in vocabulary.slugs for number, sound in enumerate(by_kind[slug])}
    return UserSounds(folder, vocabulary, tuple(one for kind in by_kind.values() for one in kind), fold, skipped)


def _vocabulary(folder: Path) -> Vocabulary:
    """The classes in the folder's list of classes, or one for each folder with recordings."""
    try:
        listed = [folder / name for name in FILE_NAMES if (folder / name).is_file()]
        if listed:
            return read_classes(listed[0])
        names = [name for name in adaptor_of(folder).class_names(folder) if name not in _KINDS]
        if not names:
            raise BankError(f"'{folder}': has no folder with recordings; make one folder for each class")
        return vocabulary_of(names, folder.resolve().name)
    except LabelError as error:
        raise BankError(f"'{folder}': {error}") from error
    except OSError as error:
        raise BankError(f"'{folder}' cannot be read ({error.strerror or error})") from error


def _refuse_copies(folder: Path, by_kind: Mapping[str, list[BankSound]]) -> None:
    """Check that no recording belongs to two classes, in any format and at any level.

    Raises:
        BankError: two recordings of different classes are the same; the message names them.
    """
    kinds = [kind for kind in by_kind if kind not in _KINDS]
    for number, kind in enumerate(kinds[:-1]):
        others = [sound for other in kinds[number + 1 :] for sound in by_kind[other]]
        vocabulary = vocabulary_of(kinds, "new")
        one, other = (SoundBank(folder, tuple(part), vocabulary=vocabulary) for part in (by_kind[kind], others))
        pairs = copies_between(one, other)
        if pairs:
            raise BankError(
                f"'{folder}': '{pairs[0][0]}' and '{pairs[0][1]}' are the same recording; keep it in one class"
            )
