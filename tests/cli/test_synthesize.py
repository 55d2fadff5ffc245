from __future__ import annotations

import json
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import BankError, SynthesisError, UsageError
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.wav import write_wav
from earwitness.scenes import PoolConfig, RirPool
from earwitness.scenes.writing import synthesis
from earwitness.scenes.writing.synthesis import SynthesisOptions

pytest.importorskip("pyroomacoustics")


@pytest.fixture
def flawed_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    bank = tmp_path / "bank"
    write_wav(bank / "bell" / "good.wav", 0.5 * np.sin(np.arange(24_000) * 0.3).astype(np.float32)[None], 24_000)
    write_wav(bank / "bell" / "silent.wav", np.zeros((1, 24_000), np.float32), 24_000)
    return bank


def options(bank: Path, *more: str) -> list[str]:
    return ["synthesize", "--bank", str(bank), "--out", str(bank.parent / "set"), "--rooms", "1", *more]


def test_every_setting_of_a_synthesis_can_be_given(flawed_bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[SynthesisOptions] = []
    monkeypatch.setattr(synthesis, "synthesize", lambda options, **_: given.append(options))
    plain = CliRunner().invoke(app, options(flawed_bank, "--clips", "2", "--seed", "1"))
    every = ["--video", "--fps", "10", "--fov", "80", "--elevation", "35", "--licence", "cc0, ", "--strict",
             "--seconds", "3", "--split", "train", "--room-seed", "4", "--microphone", "xy", "--cutouts", "c",
             "--backgrounds", "b", "--workers", "2", "--engine", "ray", "--address", "a", "--preview", "p.png",
             "--classes", "d", "--clips", "2", "--seed", "1"]  # fmt: skip
    full = CliRunner().invoke(app, options(flawed_bank, *every))
    scene = CliRunner().invoke(app, options(flawed_bank, "--from", "s.json", "--view", "-30", "--no-noise", "--stems"))
    assert [done.exit_code for done in (plain, full, scene)] == [0, 0, 0], full.output
    changed = {
        one.name for one in fields(SynthesisOptions) for other in given[1:] if differs(given[0], other, one.name)
    }
    assert {one.name for one in fields(SynthesisOptions)} - changed == {"bank", "out", "rooms", "sofa", "preset"}
    assert (given[1].fov_deg, given[1].licences, given[1].engine) == (80, ("cc0",), "ray")
    assert (given[2].view_deg, given[2].noise) == (-30, False)


def differs(one: SynthesisOptions, other: SynthesisOptions, name: str) -> bool:
    return bool(getattr(one, name) != getattr(other, name))


def test_unusable_sounds_are_named_and_skipped_and_strict_stops(flawed_bank: Path) -> None:
    result = CliRunner().invoke(app, options(flawed_bank, "--clips", "2", "--seed", "1"))
    assert result.exit_code == 0, result.output
    assert "silent.wav" in result.output
    assert "sounds of the bank skipped: 1" in result.output
    credits = (flawed_bank.parent / "set" / "CREDITS.csv").read_text()
    assert "bell/good.wav,bell," in credits
    assert "silent" not in credits
    strict = CliRunner().invoke(app, options(flawed_bank, "--clips", "2", "--seed", "1", "--strict"))
    assert isinstance(strict.exception, BankError)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["--clips", "2"],
        ["--clips", "2", "--seed", "1", "--stems"],
        ["--from", "x.json", "--clips", "2"],
        ["--from", "x.json", "--elevation", "35"],
        ["--clips", "2", "--seed", "1", "--fps", "2"],
        ["--clips", "2", "--seed", "1", "--preview", "sheet.txt"],
    ],
)
def test_options_that_do_not_go_together(flawed_bank: Path, wrong: list[str]) -> None:
    assert isinstance(CliRunner().invoke(app, options(flawed_bank, *wrong)).exception, UsageError)


def test_licence_that_leaves_nothing_is_named(flawed_bank: Path) -> None:
    result = CliRunner().invoke(app, options(flawed_bank, "--clips", "1", "--seed", "1", "--licence", "cc0"))
    assert isinstance(result.exception, BankError)
    assert "under cc0" in str(result.exception)


def test_a_scene_again_finds_its_rooms_and_takes_other_microphones(flawed_bank: Path) -> None:
    out = flawed_bank.parent / "set"
    made = CliRunner().invoke(
        app, options(flawed_bank, "--clips", "2", "--seed", "1", "--seconds", "1", "--room-seed", "3")
    )
    assert made.exit_code == 0, made.output
    recipe = sorted((out / "recipes_dev" / "dev-train-synth").glob("*.json"))[0]
    said = json.loads(recipe.read_text())
    assert said["pool"] == "rooms1-pos24-paths3x12-step0.3-seed3-v2"
    assert (said["microphone"], said["fov_deg"], said["seed"]) == ("dcase", 100.0, [1, 0])
    again = ["synthesize", "--bank", str(flawed_bank), "--from", str(recipe)]
    plain, head = flawed_bank.parent / "plain", flawed_bank.parent / "head"
    result = CliRunner().invoke(app, [*again, "--out", str(plain)])
    assert result.exit_code == 0, result.output
    clip = out / "stereo_dev" / "dev-train-synth" / f"{recipe.stem}.wav"
    assert (plain / clip.name).read_bytes() == clip.read_bytes()
    more = ["--out", str(head), "--microphone", "head", "--video", "--preview", str(head / "sheet.png")]
    result = CliRunner().invoke(app, [*again, *more])
    assert result.exit_code == 0, result.output
    assert (head / clip.name).read_bytes() != clip.read_bytes()
    assert (head / f"{recipe.stem}.csv").read_bytes() == (plain / f"{recipe.stem}.csv").read_bytes()
    assert (head / f"{recipe.stem}.mp4").is_file()
    assert (head / "sheet.png").is_file()


def test_a_scene_of_lost_rooms_is_named(flawed_bank: Path, tmp_path: Path) -> None:
    made = CliRunner().invoke(app, options(flawed_bank, "--clips", "1", "--seed", "1", "--seconds", "1"))
    assert made.exit_code == 0, made.output
    (recipe,) = (flawed_bank.parent / "set" / "recipes_dev" / "dev-train-synth").glob("*.json")
    recipe.write_text(recipe.read_text().replace("rooms1-pos24-paths3x12-step0.3-seed0-v2", "sofa-0123"))
    lost = ["synthesize", "--bank", str(flawed_bank), "--from", str(recipe), "--out", str(tmp_path / "lost")]
    result = CliRunner().invoke(app, lost)
    assert isinstance(result.exception, BankError)
    assert "--sofa" in str(result.exception)


def test_sources_keep_to_the_elevations_asked_for(flawed_bank: Path) -> None:
    made = options(flawed_bank, "--clips", "12", "--seed", "1", "--seconds", "1", "--elevation")
    result = CliRunner().invoke(app, [*made, "20"])
    assert result.exit_code == 0, result.output
    pool = RirPool.open(PoolConfig(rooms=1, seed=0))
    level = np.degrees(np.arcsin(pool.position[:, 2] / np.linalg.norm(pool.position, axis=1)))
    recipes = (flawed_bank.parent / "set" / "recipes_dev" / "dev-train-synth").glob("*.json")
    used = [index for path in recipes for event in json.loads(path.read_text())["events"] for index in event["rirs"]]
    assert len(used) >= 12
    assert np.abs(level[used]).max() <= 20 < np.abs(level).max()


def test_own_pictures_and_a_wider_camera(flawed_bank: Path, tmp_path: Path) -> None:
    (tmp_path / "cut" / "bell").mkdir(parents=True)
    picture = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    picture.paste((255, 0, 255, 255), (4, 4, 16, 16))
    picture.save(tmp_path / "cut" / "bell" / "gong@2m.png")
    (tmp_path / "around").mkdir()
    Image.new("RGB", (200, 100), (0, 160, 0)).save(tmp_path / "around" / "green.png")
    own = ["--video", "--fps", "2", "--fov", "150", "--cutouts", str(tmp_path / "cut")]
    more = ["--backgrounds", str(tmp_path / "around"), "--clips", "3", "--seed", "1", "--seconds", "1"]
    result = CliRunner().invoke(app, options(flawed_bank, *own, *more))
    assert result.exit_code == 0, result.output
    seen = [
        picture.rgb.reshape(-1, 3).astype(int)
        for path in (flawed_bank.parent / "set" / "video_dev" / "dev-train-synth").glob("*.mp4")
        for picture in PictureReader(path)
    ]
    assert all((np.abs(pixels - (0, 160, 0)).max(axis=1) < 25).mean() > 0.2 for pixels in seen)
    result = CliRunner().invoke(app, options(flawed_bank, "--video", *more, "--cutouts", str(tmp_path / "none")))
    assert result.exit_code != 0


def test_classes_without_sounds_are_named(flawed_bank: Path) -> None:
    result = CliRunner().invoke(app, options(flawed_bank, "--clips", "1", "--seed", "1", "--seconds", "1"))
    assert "classes without any sound: female_speech, male_speech" in result.output


def test_a_set_keeps_to_its_pictures(flawed_bank: Path) -> None:
    more = ["--seed", "1", "--seconds", "1"]
    first = CliRunner().invoke(app, options(flawed_bank, "--clips", "1", *more, "--video", "--fps", "2"))
    assert first.exit_code == 0, first.output
    for other in (["--video", "--fps", "5"], []):
        result = CliRunner().invoke(app, options(flawed_bank, "--clips", "2", *more, *other))
        assert isinstance(result.exception, SynthesisError), other
    (sound,) = (flawed_bank.parent / "set" / "stereo_dev").rglob("*.wav")
    sound.unlink()
    again = CliRunner().invoke(app, options(flawed_bank, "--clips", "1", *more, "--video", "--fps", "2"))
    assert "1 clips of 1 s (1 new)" in again.output, "a clip without sound is none"
    assert sound.is_file()


def test_folders_that_name_no_class_are_named(flawed_bank: Path) -> None:
    shutil.copytree(flawed_bank / "bell", flawed_bank / "Squeaking parrot")
    (flawed_bank / "notes").mkdir()
    more = ["--clips", "1", "--seed", "1", "--seconds", "1", "--classes", "dcase2025"]
    result = CliRunner().invoke(app, options(flawed_bank, *more))
    assert result.exit_code == 0, result.output
    assert "folders of the bank that are not of a class: Squeaking parrot" in result.output
    assert "the classes are background, bell" in result.output


def test_what_of_a_bank_is_left_out_is_said(flawed_bank: Path) -> None:
    tone = 0.5 * np.sin(np.arange(24_000) * 0.2).astype(np.float32)[None]
    write_wav(flawed_bank / "parrot" / "a.wav", tone, 24_000)
    (flawed_bank / "bell" / "notes.doc").write_text("x")
    (flawed_bank / "bell" / "gone.wav").symlink_to(flawed_bank / "nowhere.wav")
    made = CliRunner().invoke(app, options(flawed_bank, "--clips", "1", "--seed", "1", "--seconds", "1"))
    assert made.exit_code == 0, made.output
    for said in ("gone.wav", "silent.wav", "bell/notes.doc", "parrot", "sounds of the bank skipped: 2"):
        assert said in made.output
    (flawed_bank / "manifest.csv").write_text(
        "file,class,split\nbell/good.wav,bell,train\nparrot/a.wav,interference,\nbell/silent.wav,bell,valid\n"
    )
    made = CliRunner().invoke(
        app, options(flawed_bank, "--clips", "1", "--seed", "1", "--seconds", "1", "--split", "train")
    )
    assert "sounds without a split, left out: 1 (parrot/a.wav)" in made.output
    assert isinstance(
        CliRunner().invoke(app, options(flawed_bank, "--clips", "1", "--seed", "1", "--split", "test")).exception,
        BankError,
    )


def test_files_of_other_people_stay_and_other_seeds_are_refused(flawed_bank: Path) -> None:
    out = flawed_bank.parent / "set"
    out.mkdir()
    (out / "CREDITS.csv").write_text("mine\n")
    common = ("--seconds", "1", "--clips")
    refused = CliRunner().invoke(app, options(flawed_bank, *common, "1", "--seed", "1"))
    assert isinstance(refused.exception, SynthesisError)
    assert (out / "CREDITS.csv").read_text() == "mine\n"
    file = ["synthesize", "--bank", str(flawed_bank), "--out", str(out / "CREDITS.csv"), "--clips", "1", "--seed", "1"]
    assert isinstance(CliRunner().invoke(app, [*file, "--rooms", "1"]).exception, UsageError)
    (out / "CREDITS.csv").rename(out / "notes.csv")
    (out / "recipes_dev" / "mine").mkdir(parents=True)
    (out / "recipes_dev" / "mine" / "x.json").write_text("{}")
    assert CliRunner().invoke(app, options(flawed_bank, *common, "1", "--seed", "1")).exit_code == 0
    assert CliRunner().invoke(app, options(flawed_bank, *common, "2", "--seed", "1")).exit_code == 0
    other = CliRunner().invoke(app, options(flawed_bank, *common, "2", "--seed", "2"))
    assert isinstance(other.exception, SynthesisError)
    assert (out / "recipes_dev" / "mine" / "x.json").read_text() == "{}"

    recipe = sorted((out / "recipes_dev" / "dev-train-synth").glob("*.json"))[0]
    again = ["synthesize", "--bank", str(flawed_bank), "--from", str(recipe), "--out"]
    over = CliRunner().invoke(app, [*again, str(recipe.parent), "--view", "30"])
    assert isinstance(over.exception, SynthesisError)
    scene = flawed_bank.parent / "scene"
    scene.mkdir()
    (scene / f"{recipe.stem}.wav").write_text("mine")
    assert isinstance(CliRunner().invoke(app, [*again, str(scene)]).exception, SynthesisError)
    assert (scene / f"{recipe.stem}.wav").read_text() == "mine"
    (scene / f"{recipe.stem}.wav").unlink()
    for view in ("30", "60"):
        assert CliRunner().invoke(app, [*again, str(scene), "--view", view]).exit_code == 0


def test_scenes_of_a_preset_are_a_set_like_others_and_render_again(flawed_bank: Path) -> None:
    (flawed_bank / "bell" / "silent.wav").unlink()
    arguments = options(flawed_bank, "--clips", "4", "--seed", "3", "--preset", "starss")
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    root = flawed_bank.parent / "set"
    recipes = sorted((root / "recipes_dev").rglob("*.json"))
    assert len(recipes) == 4
    assert all(json.loads(path.read_text())["pool"].endswith("-varied") for path in recipes)
    again = flawed_bank.parent / "again"
    one = ["synthesize", "--bank", str(flawed_bank), "--out", str(again), "--from", str(recipes[0])]
    assert CliRunner().invoke(app, one).exit_code == 0
    (same,) = (path for path in (root / "stereo_dev").rglob("*.wav") if path.stem == recipes[0].stem)
    assert (again / same.name).read_bytes() == same.read_bytes()
    other = CliRunner().invoke(app, options(flawed_bank, "--clips", "4", "--seed", "3"))
    assert isinstance(other.exception, SynthesisError)  # not of one set


def test_presets_that_there_are_not_and_places_twice_are_refused(flawed_bank: Path) -> None:
    for wrong in (["--preset", "mars"], ["--preset", "starss", "--elevation", "20"]):
        result = CliRunner().invoke(app, options(flawed_bank, "--clips", "1", "--seed", "1", *wrong))
        assert isinstance(result.exception, UsageError)
    spaced = options(flawed_bank, "--clips", "1", "--seed", "1", "--preset", "starss", "--microphone", "ortf")
    assert CliRunner().invoke(app, spaced).exit_code == 0
