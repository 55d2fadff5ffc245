"""Which clips of DCASE folders are for training and which for validation; the test split is for neither."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from earwitness.core.errors import LabelError
from earwitness.data.dcase.layout import Clip, DcaseFolder

TRAIN: Final = "dev-train"
TEST: Final = "dev-test"
_REAL_FOLD: Final = 3


def chosen_clips(folder: DcaseFolder, splits: Sequence[str] | None = None) -> tuple[Clip, ...]:
    """Clips with sound and labels of some splits.

    Args:
        folder: the set.
        splits: their names; None takes all whose name begins with dev-train.

    Raises:
        LabelError: a split that is not there, or is the test split; or no such clips.
    """
    for split in splits or ():
        if split.startswith(TEST):
            raise LabelError(f"{split} is for the final test only: neither train nor validate on it")
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
    """Room of a real training clip (fold 3); None for others, and where the name does not say."""
    name = clip.parsed
    return name.room if name is not None and name.fold == _REAL_FOLD else None


def hold_out(sets: Sequence[Sequence[Clip]], rooms: Collection[int]) -> list[tuple[tuple[Clip, ...], tuple[Clip, ...]]]:
    """Training and validation clips of each set: whole rooms of fold 3 apart, since clips of one recording overlap.

    A room is held out of all sets that have it, so that no set trains on what another one validates on. Synthetic
    clips (fold 1) are all for training; so are clips of unknown room.

    Raises:
        LabelError: a room that no set has, or a set of which nothing is left to train on.
    """
    wanted = set(rooms)
    there = {room for clips in sets for clip in clips if (room := real_room(clip)) is not None}
    if wanted - there:
        raise LabelError(f"no set has the training room {min(wanted - there)}; the rooms are {sorted(there)}")
    parted = []
    for clips in sets:
        train = tuple(clip for clip in clips if real_room(clip) not in wanted)
        if not train:
            raise LabelError(f"{clips[0].root}: nothing is left to train on; hold out fewer rooms")
        parted.append((train, tuple(clip for clip in clips if real_room(clip) in wanted)))
    return parted
