import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.errors import LabelError
from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics import Counts, Protocol, count
from earwitness.metrics import counts as counts_module
from earwitness.metrics.counts import COLUMNS, CONDITIONS, DIMENSIONS, file_group

NAMES = {
    "found": "tp", "found_onscreen": "tp_on", "pairs": "pairs", "missed": "fn", "false_alarms": "fp",
    "angle": "angle", "distance": "distance", "relative": "relative", "onscreen_correct": "on",
}  # fmt: skip


def column(table, name):
    return table[..., COLUMNS.index(name)]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), missing=st.booleans(), whole=st.booleans(), protocol=st.sampled_from(Protocol))
def test_brute_force_agrees(random_clips, brute_force_counts, seed, missing, whole, protocol):
    names, references, predictions = random_clips(seed, clips=2, rows=14, whole=whole)
    if missing:
        predictions[0] = None
    table = count(names, references, predictions, protocol).by("class")
    expected = brute_force_counts(references, predictions, official=protocol is Protocol.DCASE2025)
    for mine, theirs in NAMES.items():
        np.testing.assert_allclose(column(table, mine), expected[theirs], rtol=1e-9, atol=1e-9, err_msg=mine)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), split=st.integers(0, 4), protocol=st.sampled_from(Protocol))
def test_one_update_of_many_is_many_of_one(random_clips, seed, split, protocol):
    names, references, predictions = random_clips(seed, clips=4, whole=True)
    whole = count(names, references, predictions, protocol)
    halves = [
        count(names[part], references[part], predictions[part], protocol)
        for part in (slice(None, split), slice(split, None))
    ]
    ones = [count([n], [r], [p], protocol) for n, r, p in zip(names, references, predictions, strict=True)]
    for parts in (halves, ones):
        total = Counts.concatenate(parts)
        assert total.files == whole.files
        np.testing.assert_allclose(total.by("file", *DIMENSIONS), whole.by("file", *DIMENSIONS), rtol=1e-12, atol=1e-9)


def test_blocks_do_not_matter(random_clips, monkeypatch):
    clips = random_clips(5, clips=7)
    whole = count(*clips)
    monkeypatch.setattr(counts_module, "BLOCK_CLIPS", 2)
    np.testing.assert_allclose(count(*clips).by("file", "class"), whole.by("file", "class"))


def test_same_file_twice_adds_up(random_clips):
    counts = count(*random_clips(1))
    double = counts + counts
    assert double.files == counts.files
    np.testing.assert_allclose(double.by("file", "class"), 2 * counts.by("file", "class"))


@pytest.mark.parametrize("dimension", [*CONDITIONS, "file", "class"])
def test_every_breakdown_adds_up_to_the_whole(random_clips, dimension):
    counts = count(*random_clips(2, clips=5, rows=40))
    np.testing.assert_allclose(counts.by(dimension).sum(axis=0), counts.by(), rtol=1e-12)
    np.testing.assert_allclose(counts.by("class", dimension), np.moveaxis(counts.by(dimension, "class"), 0, 1))
    parts = [counts.only(dimension, position).by() for position in range(len(counts.by(dimension)))]
    np.testing.assert_allclose(parts, counts.by(dimension))


def test_conditions_go_by_the_reference_and_false_alarms_by_themselves():
    reference = LabelRows(np.array([[0, 1, 0, 75, 90, 1], [0, 2, 0, -75, 100, 0], [3, 1, 0, 0, 500, 0]], float))
    prediction = LabelRows(np.array([[0, 1, 0, 10, 300, 0], [3, 2, 0, 29, 199, 1], [9, 4, 0, -30, 400, 0]], float))
    counts = count(["a"], [reference], [prediction])
    assert column(counts.by("azimuth"), "pairs").tolist() == [1, 0, 0, 0, 0, 0]
    # -75 right, and 0, which belongs to the first sector on the right.
    assert column(counts.by("azimuth"), "missed").tolist() == [0, 0, 0, 1, 0, 1]
    assert column(counts.by("azimuth"), "false_alarms").tolist() == [0, 0, 1, 0, 1, 0]
    assert column(counts.by("distance"), "pairs").tolist() == [1, 0, 0, 0]
    assert column(counts.by("distance"), "missed").tolist() == [0, 1, 0, 1]
    assert column(counts.by("distance"), "missed_distance").tolist() == [0, 100, 0, 500]
    assert column(counts.by("distance"), "false_alarms").tolist() == [0, 1, 0, 1]
    assert column(counts.by("overlap"), "pairs").tolist() == [0, 0, 1, 0, 0]
    assert column(counts.by("overlap"), "missed").tolist() == [0, 1, 1, 0, 0]
    assert column(counts.by("overlap"), "false_alarms").tolist() == [1, 1, 0, 0, 0]
    assert column(counts.by("onscreen"), "pairs").tolist() == [0, 1]
    assert column(counts.by("onscreen"), "false_alarms").tolist() == [1, 1]


def test_groups_of_files(random_clips):
    names, references, predictions = random_clips(3, clips=6)
    counts = count(names, references, predictions)
    rooms = counts.grouped("room")
    assert rooms.files == ("room1", "room2")
    for number, room in enumerate(rooms.files):
        inside = [i for i, name in enumerate(names) if room in name]
        expected = count(
            [names[i] for i in inside], [references[i] for i in inside], [predictions[i] for i in inside]
        ).by("class")
        np.testing.assert_allclose(rooms.by("file", "class")[number], expected)
    assert counts.grouped("fold").files == ("fold4",)
    assert len(counts.grouped("recording").files) == 4
    assert counts.grouped("file") is counts
    assert file_group("fold4_room2_mix029_deg000_start0000", "recording") == "fold4_room2_mix029"
    with pytest.raises(LabelError, match=r"'kitchen' does not contain its room.*fold4_room2"):
        count(["kitchen"], references[:1], predictions[:1]).grouped("room")


def test_saved_and_loaded(random_clips, tmp_path):
    counts = count(*random_clips(4))
    path = tmp_path / "deep" / "counts.npz"
    counts.save(path)
    again = Counts.load(path)
    assert again.files == counts.files
    np.testing.assert_array_equal(again.index, counts.index)
    np.testing.assert_array_equal(again.values, counts.values)
    assert [file.name for file in path.parent.iterdir()] == ["counts.npz"]


def test_not_a_table_of_counts(tmp_path):
    path = tmp_path / "counts.npz"
    path.write_text("no")
    with pytest.raises(LabelError, match="not a table of counts"):
        Counts.load(path)
    np.savez(path, files=np.array(["a"]), index=np.zeros((1, 3), np.int32), values=np.zeros((1, 2)))
    with pytest.raises(LabelError, match="different columns"):
        Counts.load(path)


def test_no_clips_at_all():
    counts = count([], [], [])
    assert counts.by("class").shape == (13, len(COLUMNS))
    assert not counts.by("class").any()
    assert (counts + counts).files == ()


def test_lengths_must_agree():
    with pytest.raises(LabelError, match="1 references, 0 predictions"):
        count(["a"], [LabelRows.empty()], [])
