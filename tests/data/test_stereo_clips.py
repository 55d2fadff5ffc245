from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import SynthesisError, UsageError
from earwitness.data.dcase.check import check
from earwitness.data.dcase.labels import read_table
from earwitness.data.dcase.layout import scan
from earwitness.data.starss import stereo_clips as module
from earwitness.data.starss.crops import Crop, official_crops, random_crops
from earwitness.data.starss.foa import find_recordings
from earwitness.data.starss.stereo_clips import StereoJob, make_clip, make_clips
from earwitness.media.pictures.pictures import PictureReader
from earwitness.media.sound.pcm import read_pcm
from earwitness.media.sound.wav import write_wav

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
        assert "name another folder" in str(done.exception)


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
    assert "clips of damaged recordings are missing; mend them and start again" in said
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
    assert "7,0,zero,10,0,200' are not numbers" in said
    assert str(labels) in said
    assert "clips of damaged recordings are missing; mend them and start again" in said
    assert scan(out).splits == ("dev-train-sony",)
    labels.write_text(whole)
    assert run(*options)[0] == 0
    assert "dev-train-tau" in scan(out).splits


def test_recordings_without_labels_are_named(make_starss: MakeStarss, tmp_path: Path) -> None:
    root = make_starss()
    (root / "metadata_dev" / "dev-train-tau" / "fold3_room4_mix001.csv").unlink()
    code, said = run("--starss", root, "--out", tmp_path / "out", "--official", "--clips", "2", "--no-video")
    assert code == 0
    assert "1 recordings have sound but no labels and are left out (fold3_room4_mix001)" in said
    assert "crops will differ" in said


def test_what_a_killed_run_left_half_written_goes(make_starss: MakeStarss, tmp_path: Path) -> None:
    out = tmp_path / "out"
    left = out / "video_dev" / "dev-train-tau" / f".clip.{2**22 + 1}.part.mp4"  # no process has such a number
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    make_clips(random_crops(find_recordings(make_starss()), 7), 1, StereoJob(out, video=False))
    assert not left.exists()
