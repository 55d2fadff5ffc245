"""The data set of a reproduction: its splits, and what it must have before hours of work begin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from earwitness.core.errors import LabelError
from earwitness.data.clips import refuse_metres
from earwitness.data.dcase.layout import Clip, scan
from earwitness.training.data.holdout import TEST, TRAIN, choose_rooms, chosen_clips

SYNTHETIC: Final = "dev-train-synth"


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
