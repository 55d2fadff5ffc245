"""Recipes that name DCASE folders, on generated sets of that layout."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import UsageError
from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import write_table
from earwitness.features import FeatureConfig
from earwitness.media.sound.wav import write_wav
from earwitness.scenes.bank import bank_check
from earwitness.scenes.bank.bank_check import unusable_sounds
from earwitness.training.data.clip_stream import SceneStream, batches
from earwitness.training.data.training_sources import OpenSynthesizer, open_sources
from earwitness.training.recipe import check_recipe
from earwitness.training.recipe_sections import DataSpec
from fakes import tiny_recipe

FEATURES = tiny_recipe().features
RATE = 24_000
SPEC = DataSpec(
    pool={"rooms": 200, "positions": 5, "seed": 3},
    scene={"class_weights": list(range(1, 14)), "wide_speed": [0.7, 1.4], "band_probability": 0.5, "max_overlap": 2},
)


def make_set(root, names, seed=0):
    """Clips whose label's class is their mix, 2 dB louder on the side where it is."""
    rng = np.random.default_rng(seed)
    for name in names:
        split = {"fold1": "dev-train-synth", "fold3": "dev-train-tau", "fold4": "dev-test-tau"}[name[:5]]
        mix = int(name.split("_mix")[1][:3])
        write_wav(root / "stereo_dev" / split / f"{name}.wav", rng.normal(scale=0.05, size=(2, 5 * RATE)), RATE)
        table = EventTable.from_columns(
            frame=np.arange(20), class_index=np.full(20, mix), azimuth=30.0, distance=2.0, num_frames=50
        )
        write_table(root / "metadata_dev" / split / f"{name}.csv", table)
    return root


def name(fold, room, mix):
    return f"fold{fold}_room{room}_mix{mix:03d}_deg000_start0000"


@pytest.fixture
def roots(tmp_path):
    real = make_set(tmp_path / "real", [name(3, room, mix) for room in (1, 2) for mix in (1, 2, 3)] + [name(4, 9, 5)])
    synthetic = make_set(tmp_path / "synthetic", [name(1, room, mix) for room in (1, 2) for mix in (7, 8)], seed=1)
    return real, synthetic


def spec(roots, **more):
    real, synthetic = roots
    folders = [{"root": str(real), "weight": 1.0}, {"root": str(synthetic), "weight": 3.0}]
    return DataSpec.model_validate({"folders": folders, "valid_rooms": [2], **more})


def stream(factory, **settings):
    return SceneStream(factory, FEATURES, **{"seed": 1, "swap": "none", **settings})


@pytest.mark.parametrize("shards", [False, True])
def test_rooms_weights_and_clip_ids(roots, tmp_path, shards):
    sources = open_sources(spec(roots, shards=str(tmp_path / "shards") if shards else None), FEATURES)
    assert (sources.train_clips, sources.valid_clips, sources.skipped) == (7, 3, {})
    train = stream(sources.train)
    drawn = [train[index][1][0] for index in range(40)]
    assert {clip.clip_id for clip in drawn} == {f"dev-train-tau/{name(3, 1, mix)}" for mix in (1, 2, 3)} | {
        f"dev-train-synth/{name(1, room, mix)}" for room in (1, 2) for mix in (7, 8)
    }
    assert 20 <= sum(clip.origin.root == str(roots[1]) for clip in drawn) <= 38
    for clip in drawn:  # labels and sound are those of the clip
        mix = int(clip.clip_id.split("_mix")[1][:3])
        assert np.array_equal(np.flatnonzero(clip.active.any(axis=(0, 1))), [mix])
    valid = stream(sources.valid)
    assert valid.available(400) == 3
    assert sorted(valid[index][1][0].clip_id for index in range(3)) == [
        f"dev-train-tau/{name(3, 2, mix)}" for mix in (1, 2, 3)
    ]


def test_shards_give_what_is_computed_on_the_fly(roots, tmp_path):
    fly = open_sources(spec(roots), FEATURES)
    steps = []
    kept = open_sources(spec(roots, shards=str(tmp_path)), FEATURES, lambda *step: steps.append(step))
    assert [step for step in steps if step[1] == step[2]] == [(str(roots[0]), 6, 6), (str(roots[1]), 4, 4)]
    steps.clear()
    again = open_sources(spec(roots, shards=str(tmp_path), valid_rooms=[1]), FEATURES, lambda *step: steps.append(step))
    assert (steps, again.valid_clips) == ([], 3)  # other rooms, the same shard
    for index in range(12):
        (_, (a, a_swapped)), (_, (b, b_swapped)) = (
            stream(one.train, swap="double")[index] for one in (fly, kept)
        )  # fmt: skip
        for one, other in ((a, b), (a_swapped, b_swapped)):
            np.testing.assert_array_equal(one.features, other.features)
            np.testing.assert_array_equal(one.values, other.values)
            assert one.origin == other.origin
        assert (a.swapped, a_swapped.swapped) == (False, True)
        np.testing.assert_array_equal(b_swapped.features[1], -b.features[1])  # the shard itself is never changed


def test_workers_and_pickles_see_the_same_batches(roots, tmp_path):
    sources = open_sources(spec(roots, shards=str(tmp_path)), FEATURES)
    alone = list(batches(stream(sources.train, swap="double"), start=0, stop=4, scenes=2))
    copied = pickle.loads(pickle.dumps(sources.train))
    for factory, workers in ((sources.train, 2), (copied, 0)):
        others = batches(stream(factory, swap="double"), start=0, stop=4, scenes=2, workers=workers)
        for one, other in zip(alone, others, strict=True):
            assert one.origins == other.origins
            assert (one.features == other.features).all()
    assert [origin.swapped for origin in alone[0].origins] == [False, True, False, True]


def test_a_folder_of_its_own_to_validate_on(roots, tmp_path):
    other = make_set(tmp_path / "other", [name(3, 5, mix) for mix in (1, 2)], seed=3)
    sources = open_sources(spec(roots, valid_rooms=[], valid_folder={"root": str(other)}), FEATURES)
    assert (sources.train_clips, sources.valid_clips) == (10, 2)
    both = open_sources(spec(roots, valid_folder={"root": str(other)}), FEATURES)
    assert (both.train_clips, both.valid_clips) == (7, 5)
    with pytest.raises(UsageError, match="is a training clip"):
        open_sources(spec(roots, valid_rooms=[], valid_folder={"root": str(roots[0])}), FEATURES)


@pytest.mark.parametrize("shards", [None, "shards"])
def test_damaged_clips_are_named(roots, tmp_path, shards):
    path = roots[0] / "stereo_dev" / "dev-train-tau" / f"{name(3, 1, 2)}.wav"
    path.write_bytes(path.read_bytes()[:5000])
    sources = open_sources(spec(roots, shards=shards and str(tmp_path / shards)), FEATURES)
    ((where, reason),) = sources.skipped.items()
    assert where == f"{roots[0]}/dev-train-tau/{name(3, 1, 2)}"
    assert "is truncated" in reason
    assert sources.train_clips == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"valid_rooms": []}, "valid_rooms"),
        ({"folders": []}, "need folders: set folders, or leave them out"),
        ({"valid_rooms": [7]}, "rooms are \\[1, 2\\]"),
        ({"valid_rooms": [9]}, "rooms are \\[1, 2\\]"),
        ({"valid_folder": {"root": "nowhere"}}, "no such folder"),
        ({"valid_folder": {"root": "REAL", "splits": ["dev-test-tau"]}}, "reserved for the final test"),
        ({"folders": [{"root": "REAL", "splits": ["dev-test-tau"]}]}, "reserved for the final test"),
        ({"folders": [{"root": "REAL", "weight": 0}]}, "greater than 0"),
    ],
)
def test_recipes_that_make_no_sense(roots, changes, message):
    raw = {**spec(roots).model_dump(mode="json"), **json.loads(json.dumps(changes).replace("REAL", str(roots[0])))}

    def attempt():
        open_sources(check_recipe({"data": raw}, "mine").data, FEATURES)

    with pytest.raises(UsageError, match=message):
        attempt()


def test_train_on_folders_from_the_command_line(roots, tmp_path):
    (roots[0] / "metadata_dev" / "dev-train-tau" / f"{name(3, 1, 2)}.csv").write_text("junk")
    raw = tiny_recipe(steps=3, valid_every=3).model_dump(mode="json")
    raw["data"] = spec(roots, shards=str(tmp_path / "shards")).model_dump(mode="json")
    recipe, run = tmp_path / "recipe.yaml", tmp_path / "run"
    recipe.write_text(check_recipe(raw, "mine").dump())
    said = CliRunner().invoke(app, ["train", str(recipe), "--out", str(run)])
    assert said.exit_code == 0, said.output
    assert "6 training clips, 3 validation clips" in said.output
    assert (run / "last.safetensors").is_file()
    assert f"{name(3, 1, 2)}: " in (run / "skipped.txt").read_text()
    assert "skipped: " in said.output


def test_what_disguises_sources_is_for_training_alone():
    train, valid = OpenSynthesizer(SPEC, "train").scene(), OpenSynthesizer(SPEC, "valid").scene()
    assert train.wide_speed == (0.7, 1.4)
    assert train.band_probability == 0.5
    assert valid.wide_speed is None
    assert valid.band_probability == 0
    assert set(valid.class_weights) <= {1.0}
    assert valid.max_overlap == train.max_overlap == 2


def test_validation_has_fewer_rooms_and_none_of_the_training_ones():
    train, valid = OpenSynthesizer(SPEC, "train").pool(), OpenSynthesizer(SPEC, "valid").pool()
    assert (train.rooms, valid.rooms) == (200, 40)
    assert train.seed != valid.seed
    assert train.positions == valid.positions == 5


def test_sounds_that_cannot_be_used_are_left_out_of_training(tmp_path, monkeypatch):
    pytest.importorskip("pyroomacoustics")
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    for number in range(24):
        write_wav(tmp_path / "bank" / "bell" / f"{number}.wav", tone(number), 24_000)
    (tmp_path / "bank" / "bell" / "junk.wav").write_bytes(b"junk")
    spec = DataSpec(bank=str(tmp_path / "bank"), pool={"rooms": 1, "positions": 3, "paths": 1, "path_points": 4})
    sources = open_sources(spec, FeatureConfig())
    assert list(sources.skipped) == ["bell/junk.wav"]
    used = {sound.name for split in (sources.train, sources.valid) for sound in split().bank.sounds}
    assert used == {f"bell/{number}.wav" for number in range(24)}
    monkeypatch.setattr(bank_check, "_problem", lambda path: pytest.fail("was looked up before"))
    assert list(unusable_sounds(tmp_path / "bank")) == ["bell/junk.wav"]
    monkeypatch.undo()
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    write_wav(tmp_path / "bank" / "bell" / "junk.wav", tone(99), 24_000)
    assert unusable_sounds(tmp_path / "bank") == {}


def tone(number: int) -> np.ndarray:
    return 0.3 * np.sin(np.arange(24_000) * (0.1 + 0.01 * number)).astype(np.float32)[None]


def test_what_training_leaves_out_validation_leaves_out_and_has_the_rest_alike(tmp_path, monkeypatch):
    pytest.importorskip("pyroomacoustics")
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    for number in range(30):
        write_wav(tmp_path / "bank" / "bell" / f"{number}.wav", tone(number), 24_000)
    spec = DataSpec(
        bank=str(tmp_path / "bank"), pool={"rooms": 1, "positions": 3, "paths": 1, "path_points": 4, "kind": "varied"},
        weights={"bell/1*": 0.25, "bell/2*": 0.0},
    )  # fmt: skip
    train, valid = (OpenSynthesizer(spec, split)().bank for split in ("train", "valid"))
    assert train.weights == {"bell/1*": 0.25, "bell/2*": 0.0}
    assert valid.weights == {"bell/2*": 0.0}
    rng = np.random.default_rng(0)
    for bank in (train, valid):
        assert not any(bank.draw("bell", rng).name.startswith("bell/2") for _ in range(100))


def test_recipes_name_presets_and_share_scenes_with_them():
    spec = DataSpec(scene={"preset": "starss", "preset_share": 0.5, "flaw_probability": 0.4})
    train, valid = OpenSynthesizer(spec, "train").scene(), OpenSynthesizer(spec, "valid").scene()
    assert train.preset == valid.preset is not None
    assert (train.preset_share, valid.preset_share) == (0.5, 1.0)
    assert train.flaw_probability == valid.flaw_probability == 0.4
    with pytest.raises(UsageError, match=r"data\.scene\.preset.*unknown scene preset 'mars'"):
        OpenSynthesizer(DataSpec(scene={"preset": "mars"}), "train").scene()


def test_names_a_setting_that_does_not_exist():
    with pytest.raises(UsageError, match=r"data\.scene\.reverb"):
        OpenSynthesizer(DataSpec(scene={"reverb": 1}), "train").scene()
