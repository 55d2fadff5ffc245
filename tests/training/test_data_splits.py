from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from earwitness.core.errors import LabelError
from earwitness.data.dcase.layout import scan
from earwitness.training.data.data_splits import chosen_clips, hold_out

MakeSet = Callable[..., Path]


def add_synthetic(root: Path) -> None:
    """A synthetic clip whose room has the number of a real one."""
    for part, suffix in (("stereo_dev", ".wav"), ("metadata_dev", ".csv")):
        source = root / part / "dev-train-tau" / f"fold3_room4_mix001_deg040_start0010{suffix}"
        target = root / part / "dev-train-synth" / f"fold1_room4_mix001_deg040_start0010{suffix}"
        target.parent.mkdir()
        target.write_bytes(source.read_bytes())


def test_validation_is_whole_rooms_of_fold_3_and_never_the_test_split(make_set: MakeSet) -> None:
    ((train, valid),) = hold_out([chosen_clips(scan(make_set(pictures=False)))], [4])
    assert {clip.split for clip in train} == {"dev-train-sony"}
    assert {clip.split for clip in valid} == {"dev-train-tau"}
    assert len(train) == len(valid) == 2


def test_synthetic_clips_stay_in_training_whatever_their_room(make_set: MakeSet) -> None:
    root = make_set(pictures=False)
    add_synthetic(root)
    ((train, valid),) = hold_out([chosen_clips(scan(root))], [4])
    assert [clip.split for clip in train] == ["dev-train-sony"] * 2 + ["dev-train-synth"]
    assert [clip.split for clip in valid] == ["dev-train-tau"] * 2


def test_a_room_is_held_out_of_every_set_that_has_it(make_set: MakeSet) -> None:
    sets = [chosen_clips(scan(make_set(name, pictures=False))) for name in ("official", "more-views")]
    only_sony = tuple(clip for clip in sets[1] if clip.split == "dev-train-sony")
    parted = hold_out([*sets, only_sony], [4])
    assert [(len(train), len(valid)) for train, valid in parted] == [(2, 2), (2, 2), (2, 0)]


def test_splits_by_name(make_set: MakeSet) -> None:
    folder = scan(make_set(pictures=False))
    assert {clip.split for clip in chosen_clips(folder, ["dev-train-tau"])} == {"dev-train-tau"}
    with pytest.raises(LabelError, match=r"reserved for the final test"):
        chosen_clips(folder, ["dev-test-tau"])
    with pytest.raises(LabelError, match=r"no split 'dev-train-foa'; it has dev-test-tau"):
        chosen_clips(folder, ["dev-train-foa"])


def test_clips_without_labels_cannot_be_chosen(make_set: MakeSet) -> None:
    root = make_set(pictures=False)
    for path in root.glob("metadata_dev/dev-train-*/*.csv"):
        path.unlink()
    with pytest.raises(LabelError, match=r"no clips with sound and labels in dev-train"):
        chosen_clips(scan(root))


def test_rooms_that_cannot_be_held_out(make_set: MakeSet) -> None:
    clips = chosen_clips(scan(make_set(pictures=False)))
    with pytest.raises(LabelError, match=r"training room 8; the rooms are \[4, 21\]"):
        hold_out([clips], [8])
    with pytest.raises(LabelError, match="fewer rooms"):
        hold_out([clips], [4, 21])
