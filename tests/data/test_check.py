from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import LabelError
from earwitness.data.dcase.check import check
from earwitness.data.dcase.layout import ClipName, scan
from earwitness.media.sound.wav import write_wav
from earwitness.media.writer import MediaWriter

MakeSet = Callable[..., Path]
CLIP = "fold3_room21_mix001_deg040_start0010"
SPLIT = "dev-train-sony"
HEADER = "frame,class,source,azimuth,distance,onscreen\n"


def sound_of(root: Path) -> Path:
    return root / "stereo_dev" / SPLIT / f"{CLIP}.wav"


def labels_of(root: Path) -> Path:
    return root / "metadata_dev" / SPLIT / f"{CLIP}.csv"


def found(root: Path) -> list[tuple[str, str]]:
    return [(problem.kind, problem.where) for problem in check(root).problems]


def test_workers_find_the_same(make_set: MakeSet) -> None:
    root = make_set()
    sound_of(root).unlink()
    assert check(root, workers=2).problems == check(root).problems != ()


def test_a_set_without_any_pictures_is_fine(make_set: MakeSet) -> None:
    assert found(make_set(pictures=False)) == []


def test_missing_parts_are_named_by_clip(make_set: MakeSet) -> None:
    root = make_set()
    labels_of(root).unlink()
    (root / "video_dev" / SPLIT / f"{CLIP}.mp4").unlink()
    assert found(root) == [("missing", f"stereo_dev/{SPLIT}/{CLIP}.wav")] * 2


def test_files_are_joined_by_name_not_by_order(make_set: MakeSet) -> None:
    root = make_set()
    other = "fold3_room21_mix000_deg000_start0000"
    labels_of(root).rename(labels_of(root).with_name(f"{other}.csv"))
    assert found(root) == [
        ("mispaired", f"metadata_dev/{SPLIT}/{other}.csv"),
        ("missing", f"stereo_dev/{SPLIT}/{CLIP}.wav"),
    ]


@pytest.mark.parametrize(
    ("rows", "kind", "says"),
    [
        ("3,1,0,10,150\n", "malformed", "5 values"),
        ("3,1,0,ten,150,0\n", "malformed", "not a number"),
        ("3,1,0,10,150,0\n3,1,0,10,150,0\n", "malformed", "repeats"),
        ("3,1,0,10.5,150,0\n", "malformed", "whole degrees"),
        ("50,1,0,10,150,0\n", "out of range", "0..49"),
        ("3,13,0,10,150,0\n", "out of range", "0..12"),
        ("3,1,0,-120,150,0\n", "out of range", "-90..90"),
        ("3,1,0,60,150,1\n", "out of range", "outside a picture"),
        ("3,1,0,10,0,0\n", "out of range", "0 cm"),
        ("3,1,0,10,-5,0\n", "out of range", "negative"),
    ],
)
def test_bad_labels(make_set: MakeSet, rows: str, kind: str, says: str) -> None:
    root = make_set()
    labels_of(root).write_text(HEADER + rows)
    (problem,) = check(root).problems
    assert (problem.kind, problem.where) == (kind, f"metadata_dev/{SPLIT}/{CLIP}.csv")
    assert says in problem.what


def test_labels_without_header(make_set: MakeSet) -> None:
    root = make_set()
    labels_of(root).write_text("3,1,0,10,150,0\n")
    assert found(root) == [("malformed", f"metadata_dev/{SPLIT}/{CLIP}.csv")]


def _noise(samples: int = 120_000, channels: int = 2) -> np.ndarray:
    return np.random.default_rng(1).normal(scale=0.05, size=(channels, samples))


def _clipped() -> np.ndarray:
    sound = _noise()
    sound[1, 500:520] = 1.0
    return sound


@pytest.mark.parametrize(
    ("sound", "rate", "kind", "says"),
    [
        (np.zeros((2, 120_000)), 24_000, "silent", "peak"),
        (_clipped(), 24_000, "clipped", "full scale"),
        (_noise(96_000), 24_000, "format", "4.000 s"),
        (_noise(240_000), 48_000, "format", "48000 Hz"),
        (_noise(channels=1), 24_000, "format", "1 channels"),
        (np.repeat(_noise(channels=1), 2, axis=0), 24_000, "suspicious", "no direction"),
    ],
)
def test_bad_sound(make_set: MakeSet, sound: np.ndarray, rate: int, kind: str, says: str) -> None:
    root = make_set()
    write_wav(sound_of(root), sound, rate)
    (problem,) = check(root).problems
    assert (problem.kind, problem.where) == (kind, f"stereo_dev/{SPLIT}/{CLIP}.wav")
    assert says in problem.what


def test_single_samples_at_full_scale_are_no_clipping(make_set: MakeSet) -> None:
    root = make_set()
    sound = _noise()
    sound[0, 100:1000:10] = 1.0
    write_wav(sound_of(root), sound, 24_000)
    assert found(root) == []


@pytest.mark.parametrize("damage", [b"", b"junk" * 20, None])
def test_damaged_files(make_set: MakeSet, damage: bytes | None) -> None:
    root = make_set()
    for part, suffix in (("stereo_dev", ".wav"), ("video_dev", ".mp4")):
        path = root / part / SPLIT / f"{CLIP}{suffix}"
        path.write_bytes(path.read_bytes()[:1000] if damage is None else damage)
    assert found(root) == [
        ("malformed", f"stereo_dev/{SPLIT}/{CLIP}.wav"),
        ("malformed", f"video_dev/{SPLIT}/{CLIP}.mp4"),
    ]


def picture_of(root: Path) -> Path:
    return root / "video_dev" / SPLIT / f"{CLIP}.mp4"


def test_bad_pictures(make_set: MakeSet) -> None:
    root = make_set()
    picture = picture_of(root)
    whole = picture.read_bytes()
    picture.write_bytes(whole[: len(whole) * 2 // 3])  # the index is in front: it opens well
    (problem,) = check(root).problems
    assert (problem.kind, problem.where) == ("malformed", f"video_dev/{SPLIT}/{CLIP}.mp4")
    assert "of 150 pictures" in problem.what
    with MediaWriter(picture, 320, 180, Fraction(30), preset="ultrafast") as writer:
        for number in range(120):
            writer.write_frame(np.zeros((180, 320, 3), dtype=np.uint8), number / 30)
    assert [problem.what for problem in check(root).problems] == [
        "is 320x180, expected 640x360",
        "lasts 4.00 s, expected 5 s",
    ]
    picture.write_bytes(sound_of(root).read_bytes())
    (problem,) = check(root).problems
    assert (problem.kind, problem.what) == ("malformed", "has no video track")


def test_pictures_and_labels_without_sound_and_a_split_without_labels(make_set: MakeSet) -> None:
    root = make_set()
    sound_of(root).unlink()
    for path in (root / "metadata_dev" / "dev-test-tau").iterdir():
        path.unlink()
    assert found(root) == [
        ("mispaired", f"metadata_dev/{SPLIT}/{CLIP}.csv"),
        ("mispaired", f"video_dev/{SPLIT}/{CLIP}.mp4"),
        ("missing", "metadata_dev/dev-test-tau"),
    ]


def test_names_that_do_not_say_the_room(make_set: MakeSet) -> None:
    root = make_set(pictures=False)
    for path in (sound_of(root), labels_of(root)):
        path.rename(path.with_stem("recording1"))
    assert found(root) == [("malformed", f"stereo_dev/{SPLIT}/recording1.wav")]


def test_leaks_between_splits(make_set: MakeSet) -> None:
    root = make_set(pictures=False)
    for part, suffix in (("stereo_dev", ".wav"), ("metadata_dev", ".csv")):
        folder = root / part / "dev-train-tau"
        source = root / part / "dev-test-tau" / f"fold4_room8_mix001_deg040_start0010{suffix}"
        (folder / source.name).write_bytes(source.read_bytes())
    problems = check(root).problems
    assert [problem.kind for problem in problems] == ["leak"] * 3
    assert [problem.where for problem in problems] == [
        "fold4_room8_mix001_deg040_start0010",
        "room 8",
        "stereo_dev/dev-train-tau/fold4_room8_mix001_deg040_start0010.wav",
    ]


def test_metres_in_the_place_of_centimetres(make_set: MakeSet) -> None:
    root = make_set(pictures=False)
    for path in (root / "metadata_dev" / SPLIT).glob("*.csv"):
        path.write_text(HEADER + "".join(f"{frame},1,0,10,2,0\n" for frame in range(20)))
    assert found(root) == [("suspicious", f"metadata_dev/{SPLIT}")]


def test_strays(make_set: MakeSet) -> None:
    root = make_set(pictures=False)
    (root / "stereo_dev" / SPLIT / "readme.txt").write_text("hello")
    (root / "stereo_dev" / SPLIT / ".DS_Store").write_text("")
    assert found(root) == [("mispaired", f"stereo_dev/{SPLIT}/readme.txt")]


def test_refuses_folders_that_are_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="no such folder"):
        scan(tmp_path / "nowhere")
    with pytest.raises(LabelError, match="has no clips"):
        scan(tmp_path)
    (tmp_path / "foa_dev").mkdir()
    with pytest.raises(LabelError, match="dataset stereo"):
        scan(tmp_path)


def test_names() -> None:
    name = ClipName.parse(CLIP)
    assert name == ClipName(3, 21, 1, 40, 10)
    assert str(name) == CLIP
    assert ClipName.parse("mix001") is None


def test_the_command_reports_and_exits(make_set: MakeSet) -> None:
    root = make_set(pictures=False)
    good = CliRunner().invoke(app, ["dataset", "check", str(root)])
    assert good.exit_code == 0
    assert "no problems found" in good.stdout
    labels_of(root).write_text(HEADER + "3,1,0,10,150\n")
    bad = CliRunner().invoke(app, ["dataset", "check", str(root)])
    assert bad.exit_code == 1
    assert f"malformed: metadata_dev/{SPLIT}/{CLIP}.csv" in bad.stdout
    listed = CliRunner().invoke(app, ["dataset", "check", str(root), "--json"])
    assert listed.exit_code == 1
    assert json.loads(listed.stdout)["problems"][0]["kind"] == "malformed"
