from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from earwitness.core.errors import TrainingError
from earwitness.detect.hub.hub_cache import HubAddress, commit_folder, note_revision
from earwitness.detect.model.card import ModelCard, card_path, read_card
from earwitness.detect.model.model_files import shipped_models
from earwitness.detect.runner.runtime import OnnxRuntime
from earwitness.features import TAGGER_CHANNELS
from earwitness.models.checkpoint import build, read_checkpoint, save_model
from earwitness.models.seld import FUSION_PARTS
from earwitness.models.seld_config import CmcConfig
from earwitness.models.symmetric import MirroredNetwork
from earwitness.training.data.clip_stream import SceneStream
from earwitness.training.loop import initial_weights
from earwitness.training.loop.initial_weights import feature_statistics, load_initial, load_tagger_weights
from earwitness.training.loop.trainer import Trainer
from earwitness.training.recipe import Recipe, check_recipe
from fakes import open_tones, tiny_recipe

RECIPE = tiny_recipe()
CMC = CmcConfig.model_validate(
    {**RECIPE.model.model_dump(exclude={"architecture"}), "tokens": {"sound": {"dim": 6}}, "cross_heads": 2}
)


@pytest.fixture
def run(tmp_path):
    """A first stage's folder, as far as the second looks."""
    folder = tmp_path / "first"
    folder.mkdir()
    torch.manual_seed(3)
    net = build(RECIPE.model)
    net.scaler.set(torch.tensor(-4.0), torch.tensor(2.0))
    save_model(net, folder / "last.safetensors")
    (folder / "recipe.yaml").write_text(RECIPE.dump())
    return folder, net


def test_second_stage_begins_with_the_first_ones_weights_and_statistics(run, tmp_path):
    folder, net = run
    second = Trainer(tiny_recipe(init_from=str(folder)), tmp_path / "second", open_tones, open_tones)
    second.start()
    for model in (second.model, second.averaged):
        torch.testing.assert_close(model.state_dict(), net.state_dict(), rtol=0, atol=0)


def test_best_checkpoint_wins_and_a_file_may_be_named(run):
    folder, net = run
    torch.manual_seed(4)
    best = build(RECIPE.model)
    save_model(best, folder / "best.safetensors")
    for source, expected in ((folder, best), (folder / "last.safetensors", net)):
        fresh = build(RECIPE.model)
        load_initial(fresh, str(source), RECIPE.features)
        torch.testing.assert_close(fresh.state_dict(), expected.state_dict(), rtol=0, atol=0)


def test_cross_modal_conformer_begins_as_the_seld_network(run):
    folder, net = run
    cmc = build(CMC)
    load_initial(cmc, str(folder), RECIPE.features)
    shared = {name: value for name, value in cmc.state_dict().items() if not name.startswith(FUSION_PARTS)}
    torch.testing.assert_close(shared, dict(net.state_dict()), rtol=0, atol=0)
    maps = torch.randn(1, 2, 25, 16)
    with torch.no_grad():
        torch.testing.assert_close(cmc.eval()(maps), net.eval()(maps), rtol=0, atol=0)


TAGGED = check_recipe(
    {
        "features": {"channels": ["logmel_m", "coherence", *TAGGER_CHANNELS]},
        "model": {**RECIPE.model.model_dump(include={"stem_width", "stem_kernel", "widths", "dim", "heads", "blocks"}),
                  "pools": [[5, 4], [1, 4]], "activity": "logit", "tagger": True, "reverberance": [0, 1]},
    },
    "tagged",
)  # fmt: skip


def test_a_tagger_is_added_to_a_network_that_had_none(tmp_path):
    own = TAGGED.model.model_copy(update={"in_channels": 2, "tagger": False, "reverberance": None})
    torch.manual_seed(5)
    first, second = build(own), build(TAGGED.model)
    first.scaler.set(torch.tensor(-4.0), torch.tensor(2.0))
    save_model(first, tmp_path / "last.safetensors")
    heard = TAGGED.features.model_copy(update={"channels": ("logmel_m", "coherence")})
    (tmp_path / "recipe.yaml").write_text(Recipe(features=heard, model=own).dump())
    load_initial(second, str(tmp_path), TAGGED.features)
    assert second.scaler.mean.flatten(1)[:, 0].tolist() == [-4.0, -4.0, 0.0, 0.0]
    assert second.scaler.std.flatten(1)[:, 0].tolist() == [2.0, 2.0, 1.0, 1.0]
    maps = torch.randn(1, 4, 25, 64)
    with torch.no_grad():
        torch.testing.assert_close(second.eval()(maps), first.eval()(maps[:, :2]))
    save_model(second, tmp_path / "last.safetensors")
    (tmp_path / "recipe.yaml").unlink()
    with pytest.raises(TrainingError, match="tagger is True in the checkpoint and False in the recipe"):
        load_initial(build(own), str(tmp_path / "last.safetensors"), heard)


def test_a_tagger_gets_the_weights_of_yamnet(monkeypatch):
    net = build(TAGGED.model)
    arrays = [
        (np.full(part.weight.shape, 1 / 3, np.float32), np.full(part.bias.shape, number, np.float32))
        for number, part in enumerate(net.tagger.trunk.convolutions)
    ]
    monkeypatch.setattr(initial_weights, "trunk_weights", lambda: arrays)
    load_tagger_weights(net)
    for number, part in enumerate(net.tagger.trunk.convolutions):
        assert part.bias[0] == number
        assert part.weight.flatten()[0] == np.float32(np.float16(1 / 3))
    before = {name: value.clone() for name, value in build(RECIPE.model).state_dict().items()}
    plain = build(RECIPE.model)
    plain.load_state_dict(before)
    load_tagger_weights(plain)
    torch.testing.assert_close(dict(plain.state_dict()), before, rtol=0, atol=0)


def _default_recipe(*, model=None, **features):
    card = read_card(card_path(shipped_models()["default"]))
    sections = {name: dict(card.recipe[name]) for name in ("model", "features")}
    sections["model"].pop("in_channels")
    return check_recipe(
        {"model": {**sections["model"], **(model or {})}, "features": {**sections["features"], **features}}, "default"
    )


def test_the_shipped_model_is_gone_on_with_where_yamnet_was_never_fetched(monkeypatch, tmp_path):
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path))
    recipe = _default_recipe()
    net = build(recipe.model).eval()
    load_tagger_weights(net)
    load_initial(net, "default", recipe.features)
    model = shipped_models()["default"]
    features = np.random.default_rng(0).normal(size=(1, 7, 50, 64)).astype(np.float32)
    expected = OnnxRuntime(model, device="cpu").run(features, {}, any_sound=True)
    with torch.inference_mode():
        answer = MirroredNetwork(net, recipe.features).eval()(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(answer, expected, atol=1e-3, rtol=1e-3)
    assert 0.01 < float(np.hypot(expected[..., 0], expected[..., 1]).max()) < 1


@pytest.mark.parametrize("branch", [True, False])
def test_the_shipped_model_goes_on_with_one_more_channel_and_says_the_same_at_first(branch):
    plain = _default_recipe()
    names = list(plain.features.channels)
    wide = _default_recipe(channels=[*names[:5], "gcc", *names[5:]], model={"lags": 5} if branch else {})
    before, after = build(plain.model).eval(), build(wide.model).eval()
    for net in (before, after):
        load_tagger_weights(net)
    assert load_initial(before, "default", plain.features) == ()
    assert load_initial(after, "default", wide.features) == (5,)
    maps = torch.randn(1, 8, 50, 64)
    with torch.inference_mode():
        expected = before(maps[:, [0, 1, 2, 3, 4, 6, 7]])
        torch.testing.assert_close(after(maps), expected, atol=1e-4, rtol=1e-4)
        # Once its weights are not zero, the channel matters.
        weights = after.lags.out[-1].weight if branch else after.stem[0].weight
        weights.add_(torch.randn_like(weights) * 0.1)
        changed = maps.clone()
        changed[:, 5] += torch.randn(50, 64)
        assert (after(changed) - after(maps)).abs().max() > 1e-3


def test_additional_channels_get_statistics_of_their_own_or_of_their_kind(run, tmp_path):
    folder, net = run
    raw = RECIPE.model_dump(mode="json")
    raw["features"]["channels"] = ["gcc", "logmel_m", "logmel_s", "intensity"]
    raw["model"]["in_channels"], raw["run"]["init_from"] = 4, str(folder)
    second = Trainer(check_recipe(raw, "more"), tmp_path / "second", open_tones, open_tones)
    second.start()
    mean, std = (value.flatten(1)[:, 0] for value in (second.model.scaler.mean, second.model.scaler.std))
    assert mean[1:].tolist() == [-4.0, -4.0, -4.0]
    assert std[1:].tolist() == [2.0, 2.0, 2.0]
    assert 0 < std[0] < 1
    torch.testing.assert_close(second.averaged.state_dict(), second.model.state_dict())
    weights = second.model.state_dict()["stem.0.weight"]
    assert not weights[:, [0, 2]].any()
    torch.testing.assert_close(weights[:, [1, 3]], net.state_dict()["stem.0.weight"])
    fewer = RECIPE.features.model_copy(update={"channels": ("logmel_m",)})
    with pytest.raises(TrainingError, match="other features"):
        load_initial(build(RECIPE.model.model_copy(update={"in_channels": 1})), str(folder), fewer)


def test_the_shipped_model_knows_its_features(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "default").mkdir()  # a folder of that name does not take its place
    recipe = _default_recipe(fmin=100.0)
    with pytest.raises(TrainingError, match=r"other features .* fmin is 50\.0 in the checkpoint"):
        load_initial(build(recipe.model), "default", recipe.features)


def test_compact_checkpoints_are_small_and_leave_out_what_does_not_learn(tmp_path):
    net = build(TAGGED.model)
    save_model(net, tmp_path / "whole.safetensors")
    save_model(net, tmp_path / "compact.safetensors", compact=True)
    _, whole = read_checkpoint(tmp_path / "whole.safetensors")
    _, compact = read_checkpoint(tmp_path / "compact.safetensors")
    assert whole.keys() - compact.keys() == {name for name in whole if name.startswith("tagger.trunk.")}
    assert compact["tagger.late.1.weight"].dtype == torch.float16
    assert compact["stem.1.running_var"].dtype == torch.float32
    fresh = build(TAGGED.model)
    load_initial(fresh, str(tmp_path / "compact.safetensors"), TAGGED.features)
    torch.testing.assert_close(fresh.state_dict()["head.weight"], whole["head.weight"], rtol=1e-3, atol=1e-3)


def test_what_does_not_fit_is_named(run, tmp_path):
    folder, _ = run
    wide = build(RECIPE.model.model_copy(update={"dim": 24}))
    with pytest.raises(TrainingError, match="dim is 16 in the checkpoint and 24 in the recipe"):
        load_initial(wide, str(folder), RECIPE.features)
    save_model(build(CMC), folder / "cmc.safetensors")
    with pytest.raises(TrainingError, match="architecture is cmc in the checkpoint and seld in the recipe"):
        load_initial(build(RECIPE.model), str(folder / "cmc.safetensors"), RECIPE.features)
    other = RECIPE.features.model_copy(update={"fmin": 100.0})
    with pytest.raises(TrainingError, match=r"other features .* fmin is 50\.0 in the checkpoint"):
        load_initial(build(RECIPE.model), str(folder), other)
    with pytest.raises(TrainingError, match="no checkpoint at"):
        load_initial(build(RECIPE.model), str(tmp_path / "nowhere"), RECIPE.features)
    (folder / "junk.safetensors").write_bytes(b"junk")
    with pytest.raises(TrainingError, match="not a usable checkpoint"):
        load_initial(build(RECIPE.model), str(folder / "junk.safetensors"), RECIPE.features)


def test_a_pulled_model_is_trained_further(run, tmp_path, monkeypatch):
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    name = "hf:ear/mine"
    with pytest.raises(TrainingError, match="is not on this machine; run: earwitness models pull hf:ear/mine"):
        load_initial(build(RECIPE.model), name, RECIPE.features)
    address, commit = HubAddress.parse(name), "a" * 40
    folder = commit_folder(address, commit)
    folder.mkdir(parents=True)
    note_revision(address, commit)
    with pytest.raises(TrainingError, match="was published without a checkpoint"):
        load_initial(build(RECIPE.model), name, RECIPE.features)
    first, net = run
    shutil.copy(first / "last.safetensors", folder / "model.safetensors")
    (folder / "earwitness.json").write_text("{}")
    card = ModelCard(name="mine", features=RECIPE.features, model={}, thresholds=(0.5,) * 13)
    card.write(folder / "model.json")
    model = build(RECIPE.model)
    load_initial(model, name, RECIPE.features)
    torch.testing.assert_close(model.state_dict(), net.state_dict(), rtol=0, atol=0)
    with pytest.raises(TrainingError, match="trained on other features"):
        load_initial(model, name, RECIPE.features.model_copy(update={"fmin": 99.0}))


def test_log_mel_channels_share_their_statistics_and_others_have_their_own() -> None:
    features = tiny_recipe().features.model_copy(update={"channels": ("logmel_l", "logmel_r", "intensity")})
    stream = SceneStream(open_tones, features, seed=5, swap="none")
    mean, std = feature_statistics(stream, 3)
    assert mean.shape == std.shape == (3, 1, 1)
    assert mean[0] == mean[1]
    assert std[0] == std[1]
    maps = np.concatenate([stream.scene(index)[1] for index in range(3)], axis=1)
    np.testing.assert_allclose(mean[0].item(), maps[:2].mean(), rtol=1e-4)
    np.testing.assert_allclose(std[0].item(), maps[:2].std(), rtol=1e-4)
    np.testing.assert_allclose(mean[2].item(), maps[2].mean(), atol=1e-5)


def test_channels_without_variance_get_a_deviation_that_can_divide() -> None:
    features = tiny_recipe().features.model_copy(update={"channels": ("logmel_m", "intensity")})
    stream = SceneStream(open_tones, features, seed=5, swap="none")
    assert (feature_statistics(stream, 1)[1] >= 1e-3).all()
