from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="ablations need torch (extra 'train')")

from ablation_sets import stage_one, tone_clip, write_ablation, write_set
from earwitness.core.errors import LabelError, UsageError
from earwitness.data.dcase.labels import write_table
from earwitness.media.sound.wav import write_wav
from earwitness.training.ablation.ablation_plan import load_plan


def test_each_variant_has_its_recipe_and_each_seed_its_run(tmp_path: Path) -> None:
    plan = load_plan(write_ablation(tmp_path))
    assert [(run.row, run.seed) for run in plan.runs] == [("plain", 0), ("plain", 1), ("wide", 0), ("wide", 1)]
    assert [(run.row, run.seed) for run in plan.in_order()] == [("plain", 0), ("wide", 0), ("plain", 1), ("wide", 1)]
    plain, wide = plan.of("plain")[1], plan.of("wide")[0]
    assert (plain.recipe.model.dim, wide.recipe.model.dim) == (16, 32)
    assert (plain.recipe.run.seed, plain.recipe.data.swap) == (1, "random")
    assert plain.recipe.data.folders[0].root == str(tmp_path / "train")
    assert plain.recipe.data.valid_folder is not None
    assert plain.recipe.data.valid_folder.root == str(tmp_path / "valid")
    assert len({run.key for run in plan.runs}) == 4


def test_keys_are_those_of_what_is_learnt_from(tmp_path: Path) -> None:
    path = write_ablation(tmp_path)
    before = [run.key for run in load_plan(path).runs]
    assert [run.key for run in load_plan(path).runs] == before
    longer = load_plan(path, ["variants.wide.set.run.steps=4"])
    assert [run.key == key for run, key in zip(longer.runs, before, strict=True)] == [True, True, False, False]
    audio, table = tone_clip(7)
    write_wav(tmp_path / "train/stereo_dev/dev-train-synth/fold1_room9_mix000_deg000_start0000.wav", audio, 24_000)
    write_table(tmp_path / "train/metadata_dev/dev-train-synth/fold1_room9_mix000_deg000_start0000.csv", table)
    assert not set(before) & {run.key for run in load_plan(path).runs}


def test_pretraining_is_known_by_its_clips_too(tmp_path: Path) -> None:
    path = write_ablation(
        tmp_path, pretraining={"long": {"set": stage_one(tmp_path)}}, variants={"plain": {"pretrain": "long"}}
    )
    more = ["pretraining.long.set.data.folders=[{root: " + str(write_set(tmp_path / "more", 7, 400)) + "}]"]
    few = {run.key for run in load_plan(path, more).pretraining}
    audio, table = tone_clip(7)
    write_wav(tmp_path / "more/stereo_dev/dev-train-synth/fold1_room9_mix000_deg000_start0000.wav", audio, 24_000)
    write_table(tmp_path / "more/metadata_dev/dev-train-synth/fold1_room9_mix000_deg000_start0000.csv", table)
    assert not few & {run.key for run in load_plan(path, more).pretraining}


def test_pretraining_comes_first_and_tells_runs_apart(tmp_path: Path) -> None:
    folders = stage_one(tmp_path)
    path = write_ablation(
        tmp_path,
        pretraining={"long": {"set": {**folders, "run.steps": 5}}, "unused": {"set": folders}},
        variants={"plain": {}, "two stages": {"pretrain": "long"}},
    )
    plan = load_plan(path)
    assert [run.row for run in plan.in_order()] == ["long", "plain", "two stages"] * 2
    plain, after = plan.of("plain")[0], plan.of("two stages")[0]
    assert after.before is not None
    assert (after.before.row, after.before.seed, after.before.test) == ("long", 0, None)
    assert plain.key != after.key
    assert " " not in after.folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": [3]}, "seeds"),
        ({"seeds": [3, 3]}, "differ"),
        ({"reference": "none"}, "there is no variant 'none'"),
        ({"ensembles": {"all": {"members": ["plain", "other"]}}}, "there is no variant 'other'"),
        ({"without": {"less": {"variant": "other"}}}, "there is no variant 'other'"),
        ({"ensembles": {"plain": {"members": ["plain"]}}}, "two rows have the same name"),
        ({"variants": {"plain": {"pretrain": "long"}}}, "there is no pretraining 'long'"),
        ({"variants": {"plain": {}, "a/b": {}}}, "cannot name a folder"),
        ({"variants": {"plain": {"set": {"model.dims": 3}}}}, "plain: .*model.dims: there is no such key"),
        ({"variants": {"plain": {"recipe": "gone.yaml"}}}, r"plain: .*gone\.yaml: cannot be read"),
        ({"steps": 3}, "steps: there is no such key"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_plan(write_ablation(tmp_path, **changes))


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_plan(tmp_path / "gone.yaml")
    path = write_ablation(tmp_path)
    with pytest.raises(LabelError, match="nowhere"):
        load_plan(path, ["test=nowhere"])
    with pytest.raises(UsageError, match="key=value"):
        load_plan(path, ["test"])
    path.write_text("a: [")
    with pytest.raises(UsageError, match="not valid YAML"):
        load_plan(path)


@pytest.mark.parametrize("name", ["ablation", "ablation-sound"])
def test_the_recipes_that_ship_are_valid(name: str, tmp_path: Path) -> None:
    write_ablation(tmp_path)
    sets = [f"{part}={tmp_path / part}" for part in ("train", "valid", "test")]
    if name == "ablation":
        stages = [f"pretraining.{size}.set" for size in ("sound 4000", "sound 1000")]
        sets += [f"{stage}.data.folders=[{{root: {tmp_path / 'train'}}}]" for stage in stages]
        sets += [f"{stage}.data.valid_folder={{root: {tmp_path / 'valid'}}}" for stage in stages]
    plan = load_plan(Path(__file__).parents[2] / "recipes" / f"{name}.yaml", sets)
    assert len(plan.runs) == 2 * len(plan.recipe.variants)
    assert len({run.key for run in plan.in_order()}) == len(list(plan.in_order()))
    baseline, first = plan.of("official baseline (audio)")[0].recipe, plan.of("seld")[0]
    assert baseline.loss.form == "official"
    assert baseline.run.steps == sum(run.recipe.run.steps for run in (first.before, first) if run is not None)
    assert not plan.of("seld")[0].recipe.data.tokens
