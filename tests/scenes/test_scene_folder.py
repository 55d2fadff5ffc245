from __future__ import annotations

import csv
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import BankError, SynthesisError
from earwitness.data.dcase.check import check
from earwitness.data.dcase.labels import read_table
from earwitness.media.containers.probe import probe
from earwitness.media.pictures import PictureReader
from earwitness.scenes import PoolConfig, SceneConfig
from earwitness.scenes.writing.scene_clips import RenderJob, render_recipe
from earwitness.scenes.writing.scene_folder import OPTIONS_NAME, RECORDINGS, keep_to_options, render_folder
from folders import digest

pytest.importorskip("pyroomacoustics")
TINY_BANK = Path(__file__).parents[1] / "data" / "bank"
ROOMS = PoolConfig(rooms=2, positions=4, paths=1, path_points=4, seed=3)


def job(tmp_path: Path, name: str) -> RenderJob:
    return RenderJob(TINY_BANK, tmp_path / name, 11, None, ROOMS, SceneConfig(), tmp_path / "pools")


def test_same_seed_same_bytes_whatever_the_workers_and_restarts(tmp_path: Path) -> None:
    assert render_folder(job(tmp_path, "one"), 6) == 6
    assert render_folder(job(tmp_path, "two"), 6, workers=2) == 6
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert render_folder(job(tmp_path, "parts"), 2) == 2
    assert render_folder(job(tmp_path, "parts"), 6) == 4
    assert digest(tmp_path / "one") == digest(tmp_path / "parts")


def test_layout_is_that_of_dcase(tmp_path: Path) -> None:
    render_folder(job(tmp_path, "set"), 3)
    sounds = sorted((tmp_path / "set" / "stereo_dev" / "dev-train-synth").glob("*.wav"))
    labels = sorted((tmp_path / "set" / "metadata_dev" / "dev-train-synth").glob("*.csv"))
    assert [path.stem for path in sounds] == [path.stem for path in labels]
    assert all(path.stem.startswith("fold1_room") for path in sounds)
    media = probe(sounds[0])
    assert media.audio is not None
    assert (media.audio.rate, media.audio.channels, media.duration) == (24000, 2, 5.0)
    assert labels[0].read_text().splitlines()[0] == "frame,class,source,azimuth,distance,onscreen"
    assert max(len(read_table(path)) for path in labels) > 0


def test_credits_name_every_sound_of_the_set_and_no_other(tmp_path: Path) -> None:
    licences = RenderJob(
        TINY_BANK, tmp_path / "free", 5, None, ROOMS, SceneConfig(), tmp_path / "pools", licences=("cc0", "cc-by")
    )
    render_folder(licences, 4)
    with (tmp_path / "free" / "CREDITS.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    recipes = [json.loads(path.read_text()) for path in (tmp_path / "free" / "recipes_dev").rglob("*.json")]
    used = {name for recipe in recipes for event in recipe["events"] for name in event["sounds"]}
    used |= {recipe["noise"]["sound"] for recipe in recipes} - {None}
    assert [row["file"] for row in rows] == sorted(used)
    assert all(row["licence"].startswith(("CC0", "CC-BY-")) and row["attribution"] for row in rows)


def test_a_recipe_of_a_set_gives_its_clip_again_and_other_views(tmp_path: Path) -> None:
    work = job(tmp_path, "set")
    render_folder(work, 2)
    path = sorted((tmp_path / "set" / "recipes_dev").rglob("*.json"))[0]
    again = replace(work, out=tmp_path / "again")
    scene = render_recipe(again, path, stems=True)
    clip = tmp_path / "set" / "stereo_dev" / "dev-train-synth" / f"{path.stem}.wav"
    assert (tmp_path / "again" / f"{path.stem}.wav").read_bytes() == clip.read_bytes()
    assert len(list((tmp_path / "again").glob("*_stem*.wav"))) == len(scene.recipe.events)
    turned = render_recipe(again, path, view_deg=scene.recipe.view_deg + 180, noise=False)
    for before, after in zip(scene.tracks, turned.tracks, strict=True):
        assert np.cos(np.radians(after.azimuth - before.azimuth)) == pytest.approx(-1.0, abs=1e-9)
    with pytest.raises(BankError, match="cannot be read"):
        render_recipe(again, tmp_path / "nothing.json")


def test_videos_are_added_to_a_set_and_are_the_same_whatever_the_workers(tmp_path: Path) -> None:
    one, two = (replace(job(tmp_path, name), video=True) for name in ("one", "two"))
    render_folder(job(tmp_path, "one"), 2)
    assert render_folder(one, 2) == 2
    assert render_folder(one, 2) == 0
    render_folder(two, 2, workers=2)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    videos = sorted((tmp_path / "one" / "video_dev" / "dev-train-synth").glob("*.mp4"))
    assert len(videos) == 2
    for path in videos:
        media = probe(path)
        assert media.video is not None
        assert media.audio is not None
        assert (media.video.width, media.video.height) == (640, 360)
        assert (media.audio.rate, media.audio.channels) == (24000, 2)
        assert media.duration == pytest.approx(5.0, abs=0.1)


def test_fewer_pictures_a_second_have_their_times_and_fill_the_clip(tmp_path: Path) -> None:
    slow = replace(job(tmp_path, "slow"), video=True, fps=Fraction(11, 5))
    assert render_folder(slow, 1) == 1
    (path,) = (tmp_path / "slow" / "video_dev" / "dev-train-synth").glob("*.mp4")
    reader = PictureReader(path)
    np.testing.assert_allclose([picture.time for picture in reader], np.arange(11) * 5 / 11, atol=1e-4)
    assert reader.duration == pytest.approx(5.0, abs=1e-3)
    assert not [problem for problem in check(tmp_path / "slow").problems if problem.kind != "suspicious"]


def with_clip(folder: Path) -> Path:
    (folder / "stereo_dev" / "split").mkdir(parents=True)
    (folder / "stereo_dev" / "split" / "a.wav").touch()
    return folder


def test_options_of_an_existing_set_must_not_change(tmp_path: Path) -> None:
    keep_to_options(with_clip(tmp_path), {"fps": "2", RECORDINGS: "a"})
    keep_to_options(tmp_path, {"fps": "2"})
    with pytest.raises(SynthesisError, match="--fps 2, not 3"):
        keep_to_options(tmp_path, {"fps": "3"})
    with pytest.raises(SynthesisError, match="other recordings"):
        keep_to_options(tmp_path, {RECORDINGS: "b"})


def test_a_set_without_clips_may_change_its_options(tmp_path: Path) -> None:
    keep_to_options(tmp_path, {"fps": "2"})
    keep_to_options(tmp_path, {"fps": "3"})
    with_clip(tmp_path)
    with pytest.raises(SynthesisError):
        keep_to_options(tmp_path, {"fps": "2"})


@pytest.mark.parametrize("content", ["", "[1]", "{", "[[]]"])
def test_a_damaged_record_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / OPTIONS_NAME).write_text(content)
    keep_to_options(with_clip(tmp_path), {"fps": "2"})
    with pytest.raises(SynthesisError):
        keep_to_options(tmp_path, {"fps": "3"})
