"""Splits of DCASE folders into training, validation and test; the test clips are for the final test only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from earwitness.core.errors import LabelError
from earwitness.data.clips import refuse_metres, same_clips
from earwitness.data.dcase.layout import Clip, DcaseFolder, scan

TRAIN: Final = "dev-train"
TEST: Final = "dev-test"
VALID_SHARE: Final = 0.1
"""Share of the clips that `choose_rooms` aims at."""
_REAL_FOLD: Final = 3
_TEST_FOLD: Final = 4
SYNTHETIC: Final = "dev-train-synth"


def chosen_clips(folder: DcaseFolder, splits: Sequence[str] | None = None, *, final: bool = False) -> tuple[Clip, ...]:
    """Clips with sound and labels of the given splits.

    Args:
        folder: the data set.
        splits: names of the splits; None takes all whose name starts with dev-train.
        final: whether this is the final test, for which the test split may be used.

    Raises:
        LabelError: a split is missing or is the test split, or there are no such clips.
    """
    for split in splits or ():
        if split.startswith(TEST) and not final:
            raise LabelError(f"{split} is reserved for the final test: do not train or validate on it")
        if split not in folder.splits:
            raise LabelError(f"{folder.root}: has no split '{split}'; it has {', '.join(folder.splits)}")
    clips = tuple(
        clip for clip in folder.clips
        if (clip.split.startswith(TRAIN) if splits is None else clip.split in splits) and clip.sound and clip.labels
    )  # fmt: skip
    if not clips:
        wanted = "dev-train-*" if splits is None else ", ".join(splits)
        raise LabelError(f"{folder.root}: has no clips with sound and labels in {wanted}")
    return clips


def real_room(clip: Clip) -> int | None:
    """Room of a real training clip (fold 3); None for other clips and for names without a room."""
    name = clip.parsed
    return name.room if name is not None and name.fold == _REAL_FOLD else None


def refuse_overlap(train: Sequence[Clip], valid: Sequence[Clip]) -> None:
    """Check that training and validation share no file, recording or copy of a clip, and that no test clip is used.

    Raises:
        LabelError: names the clips.
    """
    test = next((clip for clip in train if clip.parsed is not None and clip.parsed.fold == _TEST_FOLD), None)
    if test is not None:
        raise LabelError(f"{test.sound}: fold {_TEST_FOLD} is reserved for the final test; remove it from {test.split}")
    files = {clip.sound.resolve() for clip in train if clip.sound}
    recordings = {_recording(clip): clip for clip in train if _recording(clip) is not None}
    for clip in valid:
        if clip.sound and clip.sound.resolve() in files:
            raise LabelError(f"{clip.sound} is a training clip: remove it from data.valid_folder")
        other = recordings.get(_recording(clip))
        if other is not None:
            raise LabelError(
                f"{clip.sound} belongs to the same recording as the training clip {other.sound}; hold out its room "
                "with valid_rooms, or number the recordings of different data sets differently"
            )
    pair = next(same_clips(train, valid), None)
    if pair is not None:
        raise LabelError(
            f"{pair[1].sound} holds the same sound as the training clip {pair[0].sound}; validate on other clips"
        )


def _recording(clip: Clip) -> tuple[int, int] | None:
    """Room and number of the real training recording of a clip, whose clips overlap; None for other clips."""
    name = clip.parsed
    return (name.room, name.mix) if name is not None and name.fold == _REAL_FOLD else None


def choose_rooms(sets: Sequence[Sequence[Clip]]) -> tuple[int, ...]:
    """Rooms to validate on: the smallest rooms of fold 3 that have a tenth of the real training clips together.

    Raises:
        LabelError: there are fewer than two rooms of fold 3.
    """
    sizes = Counter(room for clips in sets for clip in clips if (room := real_room(clip)) is not None)
    if len(sizes) < 2:
        there = f"only those of room {next(iter(sizes))}" if sizes else "none"
        raise LabelError(
            f"valid_rooms 'auto' needs clips of fold {_REAL_FOLD} from two rooms, but there are {there}: validate "
            "on another set with --set 'data.valid_folder={root: DIR}' --set 'data.valid_rooms=[]'"
        )
    chosen: list[int] = []
    for room, size in sorted(sizes.items(), key=lambda item: (item[1], item[0]))[:-1]:
        reached = sum(sizes[one] for one in chosen)
        if chosen and reached + size / 2 > sum(sizes.values()) * VALID_SHARE:
            break
        chosen.append(room)
    return tuple(sorted(chosen))


def hold_out(sets: Sequence[Sequence[Clip]], rooms: Collection[int]) -> list[tuple[tuple[Clip, ...], tuple[Clip, ...]]]:
    """Training and validation clips of each set, split by whole rooms of fold 3, since clips of one recording overlap.

    A room is held out from all sets that have it, so that no set trains on validation clips of another. All synthetic
    clips (fold 1) and all clips of unknown rooms are training clips.

    Raises:
        LabelError: no set has one of the rooms, or a set has no training clips left.
    """
    wanted = set(rooms)
    there = {room for clips in sets for clip in clips if (room := real_room(clip)) is not None}
    if wanted - there:
        raise LabelError(f"no set has the training room {min(wanted - there)}; the rooms are {sorted(there)}")
    parted = []
    for clips in sets:
        train = tuple(clip for clip in clips if real_room(clip) not in wanted)
        if not train:
            raise LabelError(f"{clips[0].root}: no training clips are left; hold out fewer rooms")
        parted.append((train, tuple(clip for clip in clips if real_room(clip) in wanted)))
    return parted


@dataclass(frozen=True, slots=True)
class DataSplits:
    """A data set that can be used.

    Attributes:
        root: its folder.
        train: splits of real training clips.
        test: splits of the final test.
        synthetic: splits of synthetic clips; empty if there are none.
        train_clips, test_clips, synthetic_clips: usable clips.
        valid_rooms: rooms that are held out for validation.
        all_seen: whether every real clip has a video.
    """

    root: Path
    train: tuple[str, ...]
    test: tuple[str, ...]
    synthetic: tuple[str, ...]
    train_clips: tuple[Clip, ...]
    test_clips: tuple[Clip, ...]
    synthetic_clips: tuple[Clip, ...]
    valid_rooms: tuple[int, ...]
    all_seen: bool

    @classmethod
    def of(cls, root: Path) -> DataSplits:
        """Check a data set.

        Raises:
            LabelError: it lacks training clips, two rooms, a test split, labels or videos, or has metres for
                centimetres; the message says what to do.
        """
        folder = scan(root)
        synthetic = tuple(split for split in folder.splits if split.startswith(SYNTHETIC))
        train = tuple(split for split in folder.splits if split.startswith(TRAIN) and split not in synthetic)
        test = tuple(split for split in folder.splits if split.startswith(TEST))
        if not train:
            raise LabelError(
                f"{root}: has no real training split (dev-train-sony, dev-train-tau); name such a data set"
            )
        if not test:
            raise LabelError(
                f"{root}: has no test split (dev-test-sony, dev-test-tau), on which the table is scored; add it, or "
                "train alone: earwitness train dcase2025-av"
            )
        trained, tested = chosen_clips(folder, train), chosen_clips(folder, test, final=True)
        made = chosen_clips(folder, synthetic) if synthetic else ()
        refuse_metres((*trained, *made, *tested))
        rooms = choose_rooms([trained])
        seen = [clip.picture is not None for clip in (*trained, *tested)]
        if not any(seen):
            raise LabelError(
                f"{root}: has no videos (video_dev), which the paper's system needs; add them, or train on the sound "
                "alone: earwitness train dcase2025"
            )
        return cls(root, train, test, synthetic, trained, tested, made, rooms, all(seen))
