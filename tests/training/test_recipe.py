from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.core.classes.class_files import vocabulary_of, write_classes
from earwitness.core.errors import RecipeError, UsageError
from earwitness.training.recipe import Recipe, check_recipe, load_recipe, with_classes


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("name: mine\nrun: {batch: 8, steps: 100}\noptim:\n  peak: 1.0e-3\n")
    return path


def test_overrides_win_and_are_typed(recipe):
    loaded = load_recipe(recipe, ["run.steps=7", "data.swap=random", "model.pools=[[5,2],[1,2],[1,2],[1,2]]"])
    assert (loaded.run.batch, loaded.run.steps, loaded.data.swap) == (8, 7, "random")
    assert loaded.model.pools[3] == (1, 2)
    assert loaded.optim.peak == 1e-3


def test_numbers_without_a_dot_are_numbers(recipe):
    # YAML 1.1 reads 2e-3 as a string; the recipe must not.
    assert load_recipe(recipe, ["optim.peak=2e-3"]).optim.peak == 2e-3


def test_weights_are_set_by_names_with_dots(recipe):
    assert load_recipe(recipe, ["data.weights.bell/a_1.5.wav=0.5"]).data.weights == {"bell/a_1.5.wav": 0.5}


def test_dump_reads_back_as_the_same_recipe(recipe, tmp_path):
    loaded = load_recipe(recipe, ["features.channels=[logmel_m, intensity]"])
    again = tmp_path / "again.yaml"
    again.write_text(loaded.dump())
    assert load_recipe(again) == loaded


def test_model_input_follows_the_features():
    recipe = Recipe.model_validate({"features": {"channels": ["logmel_m", "intensity"], "hop": 240},
                                    "model": {"pools": [[5, 2], [2, 2], [1, 2], [1, 1]]}})  # fmt: skip
    assert (recipe.seld.in_channels, recipe.seld.frames_per_label) == (2, 10)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("run.stepz=1", "run.stepz: there is no such key"),
        ("run.steps=many", "run.steps"),
        ("run.steps=-1", "run.steps"),
        ("data.swap=always", "data.swap"),
        ("run.batch=7", "even batch"),
        ("model.in_channels=3", "model.in_channels is 3, but the features have 5"),
        ("model.dims=3", "model.dims: there is no such key"),
        ("model.architecture=transformer", "model"),
        ("loss.form=official", "goes with model.architecture"),
        ("features.hop=240", "time strides multiply to 5"),
        ("loss.class_weights=[1,2]", "loss.class_weights"),
        ("loss.class_weights=[-1,1,1,1,1,1,1,1,1,1,1,1,1]", "loss.class_weights"),
        ("loss.direction=.inf", "loss.direction"),
        ("run.decoding=official", "decoding 'official' has one threshold"),
        ("augment.filter_bands=[6,3]", "smallest and the largest number of bands"),
        ("optim.betas=[2,3]", "optim.betas"),
        ("run.seed=99999999999999999999999", "run.seed"),
        ("run.thresholds=[.nan]", "run.thresholds"),
        ("data.weights={'bell/*': -1}", "data.weights.bell/*"),
        ("data.weights={'bell/*': .nan}", "data.weights.bell/*"),
        ("data.weights=[1]", "data.weights"),
        ("data.scene={preset_share: .inf}", "preset_share"),
        ("model.distance_head=7", "model.distance_head"),
        ("run.steps", "section.key=value"),
        ("name.deep=1", "is a value, not a section"),
        ("run.steps=[1", "not valid YAML"),
    ],
)
def test_errors_name_the_key(recipe, override, message):
    with pytest.raises(UsageError) as caught:
        load_recipe(recipe, [override])
    assert message in str(caught.value)


def test_a_recipe_may_extend_another_and_says_only_what_is_otherwise(recipe, tmp_path):
    (tmp_path / "deep").mkdir()
    second = tmp_path / "deep" / "second.yaml"
    second.write_text("extends: ../recipe.yaml\nname: second\nrun: {steps: 7}\n")
    loaded = load_recipe(second, ["run.batch=4"])
    assert (loaded.name, loaded.run.steps, loaded.run.batch, loaded.optim.peak) == ("second", 7, 4, 1e-3)
    for itself in ("second.yaml", "../deep/second.yaml"):
        second.write_text(f"extends: {itself}\n")
        with pytest.raises(UsageError, match="does not extend this one") as caught:
            load_recipe(second)
        assert len(str(caught.value)) < 300
    second.write_text("extends: none.yaml\n")
    with pytest.raises(UsageError, match=r"none\.yaml: cannot be read"):
        load_recipe(second)


SHIPPED = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
TRAINABLE = [path for path in SHIPPED if not path.stem.startswith("ablation")]  # those are lists of recipes
STAGED = ("seld", "cmc-audio", "cmc-av", "official-baseline-audio", "official-baseline-av")


@pytest.mark.parametrize("path", TRAINABLE, ids=lambda path: path.stem)
def test_shipped_recipes_are_valid_and_named_after_their_file(path):
    assert load_recipe(path).name == path.stem


@pytest.mark.parametrize("name", STAGED)
def test_each_recipe_has_a_second_stage_of_the_same_network_on_real_and_synthetic_clips(name):
    folder = SHIPPED[0].parent
    first, second = load_recipe(folder / f"{name}.yaml"), load_recipe(folder / f"{name}-finetune.yaml")
    assert (first.model, first.features) == (second.model, second.features)
    assert Path(second.run.init_from).name == first.name
    assert second.data.valid_rooms
    assert len(second.data.folders) + (second.data.bank_weight > 0) == 2


def test_other_networks_by_their_architecture(recipe):
    tokens = ["data.folders=[{root: a}]", "data.valid_folder={root: b}", "data.tokens={sound: {encoder: clap}}"]
    cmc = load_recipe(recipe, ["model={architecture: cmc, tokens: {sound: {dim: 768}}}", *tokens])
    assert cmc.model.tokens["sound"].dim == 768
    baseline = load_recipe(
        recipe, ["features.channels=[logmel_l, logmel_r]", "model={architecture: baseline}", "loss.form=official"]
    )
    assert baseline.model.in_channels == 2
    with pytest.raises(UsageError, match=r"model.filters: there is no such key"):
        load_recipe(recipe, ["model.architecture=cmc", "model.filters=3"])


def test_files_that_are_no_recipe(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        load_recipe(tmp_path / "none.yaml")
    path = tmp_path / "list.yaml"
    path.write_text("- 1\n")
    with pytest.raises(UsageError, match="mapping of sections"):
        load_recipe(path)
    path.write_text("a: [1\n")
    with pytest.raises(UsageError, match="not valid YAML"):
        load_recipe(path)


def test_official_features_go_with_the_official_network_only():
    features = {"channels": ["logmel_l", "logmel_r"], "logmel": "librosa"}
    with pytest.raises(ValueError, match="librosa"):
        Recipe.model_validate({"features": features})
    recipe = Recipe.model_validate(
        {"features": features, "model": {"architecture": "baseline"}, "loss": {"form": "official"}}
    )
    assert recipe.features.closing_frames == 1


def bank(folder: Path, *classes: str) -> str:
    for name in classes:
        (folder / name).mkdir(parents=True)
        (folder / name / "a.wav").touch()
    return str(folder)


def test_the_bank_gives_classes_and_size_of_the_model(tmp_path: Path) -> None:
    recipe = with_classes(check_recipe({"data": {"bank": bank(tmp_path / "own", "kettle", "drill")}}, "r"))
    assert recipe.vocabulary is not None
    assert (recipe.vocabulary.slugs, recipe.model.classes) == (("drill", "kettle"), 2)
    again = check_recipe(recipe.model_dump(mode="json"), "r")
    assert with_classes(again) == again


def test_the_default_classes_change_nothing(tmp_path: Path) -> None:
    recipe = check_recipe({"data": {"bank": bank(tmp_path / "known", "bell", "knock")}}, "r")
    assert with_classes(recipe) is recipe
    assert recipe.loss.class_weights == check_recipe({"loss": {"class_weights": [1.0] * 13}}, "r").loss.class_weights


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"scene": {"class_weights": [1] * 13}}}, "13 numbers for 2 classes.*data.scene.class_weights=\\[\\]"),
        ({"model": {"classes": 5}}, "model.classes is 5, but the data have 2 classes"),
        ({"data": {"classes": "dcase2025"}, "model": {"classes": 2}}, "model.classes is 2"),
    ],
)
def test_values_for_another_number_of_classes_are_named(
    tmp_path: Path, changes: dict[str, dict[str, object]], message: str
) -> None:
    raw = {**changes, "data": {"bank": bank(tmp_path / "own", "kettle", "drill"), **changes.get("data", {})}}
    with pytest.raises(RecipeError, match=message):
        with_classes(check_recipe(raw, "r"))


def test_folders_of_other_classes_are_refused_by_name(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, classes in ((one, ["kettle"]), (other, ["drill"])):
        folder.mkdir()
        write_classes(folder, vocabulary_of(classes, f"{folder.name} classes"))
    data = {"folders": [{"root": str(one)}], "valid_folder": {"root": str(other)}}
    with pytest.raises(RecipeError, match=r"'other classes' \(drill\), not of 'one classes' \(kettle\)"):
        with_classes(Recipe.model_validate({"data": data}))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.folders=[{root: x}]", "model.dense is trained on scenes of a bank"),
        ("features.channels=[logmel_m, intensity]", "features.channels with logmel_m and logmel_s"),
        ("model.architecture=symmetric", "symmetric network has no head for dense targets"),
        ("loss.dense=-1", "loss.dense"),
    ],
)
def test_dense_targets_need_simulated_scenes_and_log_mels_of_mid_and_side(recipe, override, message):
    load_recipe(recipe, ["model.dense=true"])
    with pytest.raises(RecipeError, match=message):
        load_recipe(
            recipe, ["model.dense=true", "data.valid_rooms=[1]" if "folders" in override else "name=x", override]
        )
