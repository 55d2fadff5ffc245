from __future__ import annotations

import csv
import random
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earwitness.core.errors import LabelError, UnreadableMediaError
from earwitness.data.starss.crops import Crop, different, official_crops, random_crops
from earwitness.data.starss.foa import FoaLabels, Recording, find_recordings, read_foa_labels, read_stereo
from earwitness.media.sound.wav import write_wav

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
MakeStarss = Callable[..., Path]


def test_labels_equal_the_official_ones() -> None:
    with (GOLDEN / "stereo_labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 100
    for row in rows:
        azimuth, elevation = float(row["azimuth_in"]), float(row["elevation_in"])
        labels = FoaLabels(np.array([[7, 2, 1, azimuth, elevation, 1.5]]))
        seen = labels.in_view(0, float(row["view_deg"]))
        assert (seen.azimuth[0], seen.onscreen[0]) == (float(row["azimuth_out"]), row["onscreen"] == "1")


def test_sound_equals_the_official_one(tmp_path: Path) -> None:
    golden = np.load(GOLDEN / "foa_to_stereo.npz")
    scale = 0.5 / np.abs(golden["foa_wyzx"]).max()
    write_wav(tmp_path / "a.wav", golden["foa_wyzx"] * scale, 24_000)
    recording = Recording("dev-train-tau", "fold3_room1_mix001", tmp_path / "a.wav", tmp_path, None, 1)
    for deg in (0, 30, 90, 213):
        stereo = read_stereo(recording, 0, deg, frames=1)
        assert np.abs(stereo / scale - golden[f"stereo_deg{deg}"]).max() < 4 / 32768 / scale


def test_crops_of_labels_begin_at_their_start(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("9,1,0,0,0,100\n10,1,0,170,0,243\n10,8,3,-20,5,50\n59,1,0,0,0,100\n60,1,0,0,0,100\n")
    seen = read_foa_labels(path).in_view(10, 30)
    assert seen.frame.tolist() == [0, 0, 49]
    assert seen.azimuth.tolist() == [-20, 10, 30]
    assert seen.source.tolist() == [0, 3, 0]
    assert seen.distance.tolist() == pytest.approx([2.43, 0.5, 1.0])
    assert seen.onscreen.tolist() == [False, True, True]
    assert seen.num_frames == 50


@pytest.mark.parametrize(
    ("text", "in_metres", "distance"),
    [("1,1,0,0,0,243\n", False, 2.43), ("1,1,0,0,0,2.676\n", True, 2.676), ("1,1,0,0,0,3\n", True, 3.0)],
)
def test_metres_are_recognised(tmp_path: Path, text: str, in_metres: bool, distance: float) -> None:
    (tmp_path / "a.csv").write_text("frame,class,source,azimuth,elevation,distance\n" + text)
    labels = read_foa_labels(tmp_path / "a.csv")
    assert labels.in_metres is in_metres
    assert labels.values[0, 5] == pytest.approx(distance)


def test_starss22_has_no_distance(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,1,0,0,0\r\n\r\n")
    labels = read_foa_labels(tmp_path / "a.csv")
    assert not labels.has_distance
    assert np.isnan(labels.in_view(0, 0).distance[0])
    assert labels.in_view(0, 0, unknown_distance=2.0).distance[0] == 2.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,1,0,0\n", "line 1: has 4 values"),
        ("1,1,0,0,0,100\n1,1,0,x,0,100\n", "line 2: .* not consist of numbers"),
        ("1,13,0,0,0,100\n", "class is 13"),
        ("1,1,0,0,95,100\n", "elevation is 95"),
        ("1,1,0,0,0,nan\n", "distance is nan"),
        ("1.5,1,0,0,0,100\n", "whole numbers"),
    ],
)
def test_bad_labels_are_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(LabelError, match=rf"a\.csv, {says}|a\.csv.*{says}"):
        read_foa_labels(tmp_path / "a.csv")


def _recordings(*frames: int) -> list[Recording]:
    names = [("dev-train-tau", f"fold3_room4_mix{n:03d}") for n in range(len(frames))]
    return [Recording(s, n, Path("x.wav"), Path("x.csv"), None, f) for (s, n), f in zip(names, frames, strict=True)]


def test_official_crops_are_those_of_the_official_procedure() -> None:
    recordings = [
        Recording(split, name, Path("x.wav"), Path("x.csv"), None, frames)
        for split, name, frames in [
            ("dev-train-tau", "fold3_room4_mix001", 900),
            ("dev-train-sony", "fold3_room21_mix012", 5000),
            ("dev-train-sony", "fold3_room21_mix013", 700),
            ("dev-train-sony", "fold3_room22_mix001", 450),
            ("dev-train-sony", "fold3_room23_mix001", 4500),
            ("dev-test-sony", "fold4_room23_mix001", 300),
            ("dev-train-synth", "fold1_room1_mix001", 9000),
        ]
    ]
    state = random.Random(20250305)
    names = ["fold4_room23_mix001", "fold3_room21_mix013", "fold3_room22_mix001", "fold3_room4_mix001"]
    lengths = [300, 700, 450, 900]
    expected = []
    for _ in range(500):
        place = state.choices(range(4), lengths)[0]
        start, deg = state.randint(0, lengths[place] - 50), state.randint(0, 359)
        expected.append(f"{names[place]}_deg{deg:03d}_start{start:04d}")
    assert [crop.name for crop in islice(official_crops(recordings), 500)] == expected


def test_random_crops_depend_on_the_seed_and_cover_recordings_by_length() -> None:
    recordings = _recordings(49, 50, 1049)
    crops = list(islice(random_crops(recordings, 3), 2000))
    assert crops == list(islice(random_crops(recordings[::-1], 3), 2000))
    assert crops != list(islice(random_crops(recordings, 4), 2000))
    assert all(0 <= crop.start <= crop.recording.frames - 50 for crop in crops)
    longest = [crop for crop in crops if crop.recording.mix == 2]
    assert all(crop.recording.mix > 0 for crop in crops)
    assert 0.99 < len(longest) / len(crops) <= 1
    assert {crop.deg // 36 for crop in crops} == set(range(10))
    assert max(crop.start for crop in longest) > 950


def test_all_views_of_a_crop() -> None:
    crops = list(islice(random_crops(_recordings(600), 1, every_deg=90), 8))
    assert [crop.deg for crop in crops] == [0, 90, 180, 270] * 2
    assert len({crop.start for crop in crops[:4]}) == 1


def test_different_crops_end_when_nothing_is_new() -> None:
    crops = list(different(random_crops(_recordings(50), 0), patience=5000))
    assert len(crops) == len({crop.name for crop in crops}) == 360


def test_nothing_to_draw_from() -> None:
    with pytest.raises(LabelError, match="as long as a clip"):
        next(random_crops(_recordings(20), 0))
    with pytest.raises(LabelError, match="as long as a clip"):
        next(official_crops([]))
    other = Recording("dev-train-sony", "fold3_room21_mix001", Path("x.wav"), Path("x.csv"), None, 200)
    with pytest.raises(LabelError, match="official set"):
        next(official_crops([other]))


def test_recordings_are_found_with_their_lengths(make_starss: MakeStarss) -> None:
    root = make_starss(video=True)
    found = {one.name: one for one in find_recordings(root)}
    assert list(found) == ["fold4_room8_mix001", "fold3_room21_mix013", "fold3_room4_mix001"]
    with_video = found["fold3_room21_mix013"]
    assert (with_video.room, with_video.mix, with_video.panorama) == (21, 13, (480, 240))
    assert with_video.fps == pytest.approx(30000 / 1001)
    assert (with_video.frames, found["fold3_room4_mix001"].frames) == (70, 80)
    assert find_recordings(root, video=False)[1].frames == 80
    assert Crop(with_video, 3, 7).name == "fold3_room21_mix013_deg007_start0003"


def test_broken_sets_are_named(make_starss: MakeStarss, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="no ambisonic data set"):
        find_recordings(tmp_path)
    root = make_starss()
    sound = root / "foa_dev" / "dev-train-tau" / "fold3_room4_mix001.wav"
    write_wav(sound, np.zeros((2, 24_000)), 24_000)
    with pytest.raises(UnreadableMediaError, match="2 channels; expected first-order"):
        find_recordings(root)
    sound.unlink()
    with pytest.raises(LabelError, match="there is no"):
        find_recordings(root)


def test_panoramas_of_the_wrong_shape_are_refused(make_starss: MakeStarss) -> None:
    with pytest.raises(UnreadableMediaError, match="480x360, but a 360-degree panorama"):
        find_recordings(make_starss(video=True, height=360))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60) | st.text("0123456789,.-\n eEnaif", max_size=60).map(str.encode))
def test_any_bytes_are_labels_or_a_named_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    try:
        labels = read_foa_labels(path)
    except LabelError as error:
        message = str(error)
    else:
        assert len(labels.in_view(0, 77, frames=10_000_001, unknown_distance=1.0)) == len(labels.values)
        message = "a.csv"
    assert "a.csv" in message


@pytest.mark.parametrize("tail", ["", ",150"])
def test_sources_of_one_number_stay_apart(tmp_path, tail):
    path = tmp_path / "fold3_room1_mix001.csv"
    path.write_text("".join(f"{frame},1,0,{azimuth},0{tail}\n" for frame in range(20) for azimuth in (40, -40)))
    table = read_foa_labels(path).in_view(0, 0.0, 20, unknown_distance=1.0)
    assert sorted((event.azimuth, len(event.table)) for event in table.events()) == [(-40.0, 20), (40.0, 20)]
