from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import SynthesisError, UsageError
from earwitness.core.files.atomic import atomic_file
from earwitness.data.dcase.check import check
from earwitness.data.dcase.labels import read_table
from earwitness.data.dcase.layout import scan
from earwitness.data.starss import stereo_clips as module
from earwitness.data.starss.crops import Crop, official_crops, random_crops
from earwitness.data.starss.foa import find_recordings
from earwitness.data.starss.stereo_clips import StereoJob, make_clip, make_clips
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.wav import read_pcm, write_wav
from earwitness.scenes.writing.scene_folder import OPTIONS_NAME, keep_to_options

MakeStarss = Callable[..., Path]


def digest(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def test_a_clip_holds_sound_labels_and_pictures_of_its_crop(make_starss: MakeStarss, tmp_path: Path) -> None:
    recording = next(one for one in find_recordings(make_starss(video=True)) if one.video)
    out = tmp_path / "out"
    assert make_clip(Crop(recording, 12, 350), StereoJob(out)) == ("made", False)
    assert make_clip(Crop(recording, 12, 350), StereoJob(out)) == ("kept", False)
    (clip,) = scan(out).clips
    assert clip.name == "fold3_room21_mix013_deg350_start0012"
    assert clip.sound is not None
    assert clip.labels is not None
    assert clip.picture is not None
    labels = read_table(clip.labels)
    assert labels.azimuth.tolist() == [31.0] * 8 + [32.0] * 10 + [33.0] * 10 + [34.0] * 10 + [35.0] * 10 + [36.0] * 2
    assert labels.onscreen.all()
    assert labels.distance == pytest.approx(2.43)
    left, right = read_pcm(clip.sound)
    assert left.size == 120_000
    level = np.sqrt((left**2).mean() / (right**2).mean())
    assert level == pytest.approx((1 + np.sin(np.radians(30))) / (1 - np.sin(np.radians(30))), rel=1e-3)
    reader = PictureReader(clip.picture)
    pictures = list(reader)
    assert (reader.width, reader.height, len(pictures)) == (640, 360, 150)
    # The brightness says that this was picture n of the recording.
    assert float(pictures[0].rgb.mean()) == pytest.approx(20 + 3 * 36 % 210, abs=1.5)
    assert float(pictures[-1].rgb.mean()) == pytest.approx(20 + 3 * (36 + 149) % 210, abs=1.5)
    assert [problem.kind for problem in check(out).problems] == []


def test_same_files_whatever_the_workers_and_restarts(make_starss: MakeStarss, tmp_path: Path) -> None:
    recordings = find_recordings(make_starss())
    one, two, parts = (StereoJob(tmp_path / name) for name in ("one", "two", "parts"))
    assert make_clips(random_crops(recordings, 7), 12, one).made == 12
    assert make_clips(random_crops(recordings, 7), 12, two, workers=2).made == 12
    assert make_clips(random_crops(recordings, 7), 5, parts).made == 5
    sound = next((parts.out / "stereo_dev").rglob("*.wav"))
    (parts.out / "metadata_dev" / sound.parent.name / f"{sound.stem}.csv").unlink()
    sound.write_bytes(b"interrupted")
    rest = make_clips(random_crops(recordings, 7), 12, parts)
    assert (rest.made, rest.kept) == (8, 4)
    assert digest(one.out) == digest(two.out) == digest(parts.out)


def test_same_pictures_whatever_the_workers_and_restarts(make_starss: MakeStarss, tmp_path: Path) -> None:
    recordings = [one for one in find_recordings(make_starss(video=True)) if one.video]
    one, two, parts = (StereoJob(tmp_path / name) for name in ("one", "two", "parts"))
    assert make_clips(random_crops(recordings, 7, every_deg=180), 3, one).made == 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "GROUP", 1)
        assert make_clips(random_crops(recordings, 7, every_deg=180), 3, two, workers=2).made == 3
    assert make_clips(random_crops(recordings, 7, every_deg=180), 2, parts).made == 2
    next((parts.out / "metadata_dev").rglob("*.csv")).unlink()
    rest = make_clips(random_crops(recordings, 7, every_deg=180), 3, parts)
    assert (rest.made, rest.kept) == (2, 1)
    assert digest(one.out) == digest(two.out) == digest(parts.out)
    assert len([name for name in digest(one.out) if name.endswith(".mp4")]) == 3


def test_loud_crops_are_rejected_and_made_up_for(make_starss: MakeStarss, tmp_path: Path) -> None:
    root = make_starss()
    loud = root / "foa_dev" / "dev-test-tau" / "fold4_room8_mix001.wav"
    write_wav(loud, np.full((4, 8 * 24_000), 1.0), 24_000)
    report = make_clips(official_crops(find_recordings(root)), 20, StereoJob(tmp_path / "out"))
    assert report.made == 20
    assert report.rejected > 0
    assert scan(tmp_path / "out").splits == ("dev-train-sony", "dev-train-tau")


def test_runs_out_of_crops(make_starss: MakeStarss, tmp_path: Path) -> None:
    recordings = find_recordings(make_starss())[:1]
    report = make_clips(iter([Crop(recordings[0], 0, 0)] * 3), 2, StereoJob(tmp_path / "out"))
    assert report.made == 1


def test_labels_without_distance_need_a_word(make_starss: MakeStarss, tmp_path: Path) -> None:
    crop = Crop(find_recordings(make_starss(distance=""))[0], 0, 0)
    with pytest.raises(UsageError, match="--unknown-distance"):
        make_clip(crop, StereoJob(tmp_path / "out"))
    make_clip(crop, StereoJob(tmp_path / "out", unknown_distance=1.5))
    (clip,) = scan(tmp_path / "out").clips
    assert clip.labels is not None
    assert read_table(clip.labels).distance == pytest.approx(1.5)


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["dataset", "stereo", *map(str, arguments)])
    return result.exit_code, result.output


def test_a_set_keeps_to_its_options(make_starss: MakeStarss, tmp_path: Path) -> None:
    root, out = make_starss(distance=""), tmp_path / "out"
    common = ("--starss", root, "--out", out, "--seed", "1")
    assert run(*common, "--clips", "2", "--unknown-distance", "2")[0] == 0
    assert run(*common, "--clips", "3", "--unknown-distance", "2")[0] == 0
    for other in (("--unknown-distance", "3"), ("--unknown-distance", "2", "--no-video")):
        done = CliRunner().invoke(app, ["dataset", "stereo", *map(str, common), "--clips", "4", *other])
        assert isinstance(done.exception, SynthesisError)
        assert "give another folder" in str(done.exception)


def test_the_command_takes_training_rooms_and_says_what_was_odd(make_starss: MakeStarss, tmp_path: Path) -> None:
    root, out = make_starss(video=True, distance=",2.676"), tmp_path / "out"
    code, said = run("--starss", root, "--out", out, "--clips", "3", "--seed", "1", "--every", "180")
    assert code == 0, said
    assert "3 clips of 5 s (3 new, 0 crops too loud)" in said
    assert "metres, not cm" in said
    assert "480x240, not 1920x960" in said
    assert "have no video" in said
    assert set(scan(out).splits) <= {"dev-train-sony", "dev-train-tau"}
    assert all(read_table(clip.labels).distance == pytest.approx(2.68) for clip in scan(out).clips if clip.labels)


def test_the_command_refuses_contradictions(make_starss: MakeStarss, tmp_path: Path) -> None:
    root = make_starss()
    assert run("--starss", root, "--out", tmp_path / "out", "--clips", "3")[0] == 2
    assert run("--starss", root, "--out", tmp_path / "out", "--official", "--seed", "3")[0] == 2


def test_the_official_choice_includes_test_rooms(make_starss: MakeStarss, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, said = run("--starss", make_starss(), "--out", out, "--official", "--clips", "12", "--no-video")
    assert code == 0, said
    assert scan(out).splits == ("dev-test-tau", "dev-train-sony", "dev-train-tau")


def truncate(path: Path) -> bytes:
    """Cut a video in half; its index, which comes first, still promises all of it."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return whole


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_damaged_recording_costs_its_own_clips_only(make_starss: MakeStarss, tmp_path: Path, workers: str) -> None:
    root, out = make_starss(video=True), tmp_path / "out"
    video = root / "video_dev" / "dev-train-sony" / "fold3_room21_mix013.mp4"
    whole = truncate(video)
    options = ("--starss", root, "--out", out, "--clips", "4", "--seed", "1", "--workers", workers)
    code, said = run(*options)
    assert code == 1
    assert f"{video}: only" in said
    assert "copy the video again" in said
    assert "clips of damaged recordings are missing; repair these and start again" in said
    clips = scan(out).clips
    assert 0 < len(clips) < 4
    assert all(clip.sound and clip.labels for clip in clips)
    assert not [path for path in out.rglob("fold3_room21*") if path.is_file()]
    assert [problem.kind for problem in check(out).problems] == []
    video.write_bytes(whole)
    assert run(*options)[0] == 0
    recordings = [one for one in find_recordings(root) if one.split.startswith("dev-train")]
    make_clips(random_crops(recordings, 1), 4, StereoJob(tmp_path / "never damaged"))
    assert digest(out) == digest(tmp_path / "never damaged")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_broken_labels_cost_their_own_clips_only(make_starss: MakeStarss, tmp_path: Path, workers: str) -> None:
    root, out = make_starss(), tmp_path / "out"
    labels = root / "metadata_dev" / "dev-train-tau" / "fold3_room4_mix001.csv"
    whole = labels.read_text()
    labels.write_text(whole + "7,0,zero,10,0,200\n")
    options = ("--starss", root, "--out", out, "--clips", "6", "--seed", "1", "--workers", workers)
    code, said = run(*options)
    assert code == 1
    assert "7,0,zero,10,0,200' does not consist of numbers" in said
    assert str(labels) in said
    assert "clips of damaged recordings are missing; repair these and start again" in said
    assert scan(out).splits == ("dev-train-sony",)
    labels.write_text(whole)
    assert run(*options)[0] == 0
    assert "dev-train-tau" in scan(out).splits


def test_recordings_without_labels_are_named(make_starss: MakeStarss, tmp_path: Path) -> None:
    root = make_starss()
    (root / "metadata_dev" / "dev-train-tau" / "fold3_room4_mix001.csv").unlink()
    code, said = run("--starss", root, "--out", tmp_path / "out", "--official", "--clips", "2", "--no-video")
    assert code == 0
    assert "1 recordings have sound but no labels and are skipped (fold3_room4_mix001)" in said
    assert "crops will differ" in said


def test_what_a_killed_run_left_half_written_goes(
    make_starss: MakeStarss, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    folder = out / "video_dev" / "dev-train-tau"
    with monkeypatch.context() as killed:
        killed.setattr("earwitness.core.files.atomic._clear", lambda place: None)
        with atomic_file(folder / "clip.mp4") as temporary:
            temporary.write_bytes(b"half")
    assert list(folder.glob(".earwitness-*"))
    mine = folder / ".clip.4242.part.mp4"
    mine.write_bytes(b"a user's")
    make_clips(random_crops(find_recordings(make_starss()), 7), 1, StereoJob(out, video=False))
    assert not list(folder.glob(".earwitness-*"))
    assert mine.exists()


@pytest.mark.parametrize("damage", ["length", "junk", "empty", "mono", "no sound", "shape"])
def test_one_recording_that_cannot_be_used_does_not_end_the_set(
    make_starss: MakeStarss, tmp_path: Path, damage: str
) -> None:
    root, out = make_starss(), tmp_path / "out"
    sound = root / "foa_dev" / "dev-train-tau" / "fold3_room4_mix001.wav"
    whole = sound.read_bytes()
    if damage == "length":  # promises more than there is
        sound.write_bytes(whole[:5000])
    elif damage == "mono":
        write_wav(sound, np.zeros((1, 24_000), np.float32), 24_000)
    elif damage == "shape":
        sound.rename(sound.with_name("take4.wav"))
        labels = root / "metadata_dev" / "dev-train-tau" / "fold3_room4_mix001.csv"
        labels.rename(labels.with_name("take4.csv"))
    elif damage == "no sound":
        sound.unlink()
    else:
        sound.write_bytes(b"junk" * 40 if damage == "junk" else b"")
    options = ("--starss", root, "--out", out, "--clips", "3", "--seed", "1", "--no-video")
    code, said = run(*options)
    assert code == 1
    assert "1 recordings cannot be used and were skipped" in said
    assert "fold3_room4_mix001" in said or "take4" in said
    assert scan(out).splits == ("dev-train-sony",)
    assert len(scan(out).clips) == 3
    assert run(*options)[0] == 1  # goes on where it stopped
    if damage == "junk":
        sound.write_bytes(whole)
        done = CliRunner().invoke(app, ["dataset", "stereo", *map(str, options)])
        assert "other recordings" in str(done.exception)


@pytest.mark.parametrize("other", [("--seed", "2"), ("--seed", "1", "--test-rooms"), ("--seed", "1", "--every", "90")])
def test_a_set_takes_no_clips_of_another_draw(make_starss: MakeStarss, tmp_path: Path, other: tuple[str, ...]) -> None:
    root, out = make_starss(), tmp_path / "out"
    common = ("--starss", root, "--out", out, "--no-video")
    (out / "stereo_dev").mkdir(parents=True)
    (out / "stereo_dev" / "mine.txt").write_text("mine")
    assert run(*common, "--clips", "2", "--seed", "1")[0] == 0
    before = digest(out)
    done = CliRunner().invoke(app, ["dataset", "stereo", *map(str, common), "--clips", "3", *other])
    assert isinstance(done.exception, SynthesisError)
    assert digest(out) == before
    assert (out / "stereo_dev" / "mine.txt").read_text() == "mine"


def test_a_run_that_made_nothing_binds_nobody(make_starss: MakeStarss, tmp_path: Path) -> None:
    root, out = make_starss(), tmp_path / "out"
    keep_to_options(out, {"seed": 5})
    assert run("--starss", root, "--out", out, "--no-video", "--clips", "1", "--seed", "1")[0] == 0
    for junk in ("[1, 2]", "{", '"x"', "null"):
        (out / OPTIONS_NAME).write_text(junk)
        assert run("--starss", root, "--out", out, "--no-video", "--clips", "1", "--seed", "1")[0] == 0


def test_a_sound_that_cannot_be_used_costs_itself_only(make_starss: MakeStarss, tmp_path: Path) -> None:
    root = make_starss(video=False)
    sounds = sorted((root / "foa_dev" / "dev-train-sony").glob("*.wav"))
    content = bytearray(sounds[0].read_bytes())
    content[40:44] = (2**31 - 1).to_bytes(4, "little")  # as written to a pipe
    sounds[0].write_bytes(content)
    result = CliRunner().invoke(
        app, ["dataset", "stereo", "--starss", str(root), "--out", str(tmp_path / "a"), "--clips", "2", "--seed", "1",
              "--no-video"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    bad = root / "foa_dev" / "dev-train-tau" / "fold3_room4_mix001.wav"
    bad.write_bytes(bad.read_bytes()[:5000])
    result = CliRunner().invoke(
        app, ["dataset", "stereo", "--starss", str(root), "--out", str(tmp_path / "b"), "--clips", "2", "--seed", "1",
              "--no-video", "--test-rooms"],
    )  # fmt: skip
    assert result.exit_code == 1
    assert "skipped" in result.output
    assert bad.name in result.output
    assert len(scan(tmp_path / "b").clips) == 2
