import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import yaml
from torch import nn

from earwitness.core.errors import EncodingError, ModelError, UsageError
from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import encode, ideal_output
from earwitness.core.version import commit
from earwitness.detect.model.card import card_path, read_card
from earwitness.detect.runner.runtime import OnnxRuntime
from earwitness.features import swap
from earwitness.models.architectures import SymmetricConfig, model_config
from earwitness.models.checkpoint import build, load_model, save_model
from earwitness.models.network import Tokens, physical
from earwitness.models.seld import SeldNet
from earwitness.models.symmetric import MirroredNetwork
from earwitness.training.export import model_export
from earwitness.training.export.calibrate import class_thresholds
from earwitness.training.export.model_export import (
    FEWEST,
    ExportOptions,
    TuningResult,
    export_onnx,
    export_run,
    random_tokens,
    to_half_precision,
)
from earwitness.training.loop.training_state import COMMIT_NAME, write_commit
from earwitness.training.recipe import check_recipe
from fakes import dense_recipe, tiny_recipe


@pytest.fixture
def run(tmp_path):
    """A finished run, as far as the exporter looks."""
    recipe, folder = tiny_recipe(), tmp_path / "run"
    folder.mkdir()
    (folder / "recipe.yaml").write_text(recipe.dump())
    torch.manual_seed(0)
    net = SeldNet(recipe.seld)
    with torch.no_grad():
        net.train()(torch.randn(8, 2, 50, 16) * 3 + 1)  # norm statistics that are not the start's
        net.head.weight.mul_(5)
    save_model(net, folder / "last.safetensors")
    return folder


def test_onnx_equals_torch_for_any_batch_and_length(run, tmp_path):
    net, path = load_model(run / "last.safetensors"), tmp_path / "model.onnx"
    export_onnx(net, path)
    session = onnxruntime.InferenceSession(str(path))
    for batch, frames in ((1, 5), (2, 50), (5, 35)):
        features = np.random.default_rng(frames).normal(size=(batch, 2, frames, 16)).astype(np.float32)
        (out,) = session.run(["accddoa"], {"features": features})
        with torch.no_grad():
            expected = physical(net(torch.from_numpy(features))).numpy()
        assert out.shape == (batch, frames // 5, 3, 13, 4)
        np.testing.assert_allclose(out, expected, atol=1e-4)


def test_a_symmetric_network_becomes_onnx_that_is_symmetric_too(tmp_path):
    torch.manual_seed(0)
    shape = {**tiny_recipe().model.model_dump(exclude={"architecture"}), "activity": "logit", "whole_clip": True}
    net = build(SymmetricConfig.model_validate({**shape, "odd_channels": [1]})).eval()
    export_onnx(net, tmp_path / "model.onnx")
    features = np.random.default_rng(0).normal(size=(3, 2, 50, 16)).astype(np.float32)
    runtime = OnnxRuntime(tmp_path / "model.onnx", device="cpu")
    plain = runtime.run(features, {})
    mirror = runtime.run(features * np.float32([1, -1])[:, None, None], {})
    np.testing.assert_allclose(mirror, plain * np.float32([1, -1, 1, 1]), atol=1e-5)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("several", [False, True])
def test_the_class_for_any_sound_is_an_output_of_its_own(tmp_path, mirrored, several):
    recipe = tiny_recipe()
    torch.manual_seed(0)
    net = build(recipe.seld.model_copy(update={"activity": "logit", "any_sound": True, "several": several})).eval()
    model = MirroredNetwork(net, recipe.features).eval() if mirrored else net
    export_onnx(model, tmp_path / "model.onnx")
    features = np.random.default_rng(0).normal(size=(3, 2, 50, 16)).astype(np.float32)
    runtime = OnnxRuntime(tmp_path / "model.onnx", device="cpu")
    classes, everything = runtime.run(features), runtime.run(features, any_sound=True)
    assert classes.shape == (3, 10, 3, 13, 4)
    assert everything.shape == (3, 10, 3, 14, 4)
    np.testing.assert_array_equal(everything[..., :13, :], classes)
    if mirrored:
        turned = runtime.run(swap(features, recipe.features).copy(), any_sound=True)
        np.testing.assert_allclose(turned, everything * np.float32([1, -1, 1, 1]), atol=1e-5)
    else:
        with torch.no_grad():
            expected = net.physical_any_sound(net(torch.from_numpy(features))).numpy()
        np.testing.assert_allclose(everything[..., 13:, :], expected, atol=1e-4)


@pytest.mark.parametrize("branch", [False, True])
def test_mirror_images_of_models_with_lags_have_them_reversed(tmp_path, branch):
    raw = tiny_recipe().model_dump(mode="json")
    raw["features"]["channels"] = ["logmel_m", "intensity", "gcc"]
    raw["model"] |= {"in_channels": 3, "lags": 2 if branch else None}
    recipe = check_recipe(raw, "lags")
    torch.manual_seed(0)
    net = build(recipe.model).eval()
    if branch:
        torch.nn.init.normal_(net.lags.out[-1].weight)
    export_onnx(MirroredNetwork(net, recipe.features).eval(), tmp_path / "model.onnx")
    runtime = OnnxRuntime(tmp_path / "model.onnx", device="cpu")
    features = np.random.default_rng(0).normal(size=(2, 3, 50, 16)).astype(np.float32)
    plain, other = (runtime.run(each) for each in (features, features[:, :, :, ::-1].copy()))
    turned = runtime.run(swap(features, recipe.features).copy())
    np.testing.assert_allclose(turned, plain * np.float32([1, -1, 1, 1]), atol=1e-5)
    assert np.abs(other - plain).max() > 1e-3  # lags and bands count


def test_without_a_class_for_any_sound_the_model_says_so(run, tmp_path):
    net = load_model(run / "last.safetensors")
    export_onnx(net, tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="no class for any sound"):
        OnnxRuntime(tmp_path / "model.onnx").run(np.zeros((1, 2, 50, 16), np.float32), any_sound=True)
    with pytest.raises(ModelError, match="no class for any sound"):
        net.physical_any_sound(torch.zeros(1, 10, 3, 13, 4))


def test_a_tagger_travels_with_the_model_in_half_the_size(tmp_path):
    shape = {
        "in_channels": 4,
        "stem_width": 4,
        "stem_kernel": 3,
        "widths": (4, 8),
        "pools": ((5, 4), (1, 4)),
        "dim": 16,
        "heads": 2,
        "blocks": 1,
        "conv_kernel": 3,
        "activity": "logit",
        "tagger": True,
        "reverberance": (0, 1),
    }
    torch.manual_seed(0)
    net, path = build(model_config(shape)).eval(), tmp_path / "model.onnx"
    torch.nn.init.normal_(net.tags.weight)
    torch.nn.init.normal_(net.tagged.weight)
    export_onnx(net, path, half=True)
    assert path.stat().st_size < 2.2 * sum(value.numel() for value in net.parameters())
    session = onnxruntime.InferenceSession(str(path))
    for frames in (5, 35, 250):
        features = np.random.default_rng(frames).normal(size=(2, 4, frames, 64)).astype(np.float32)
        (out,) = session.run(["accddoa"], {"features": features})
        with torch.no_grad():
            expected = physical(net(torch.from_numpy(features))).numpy()
        np.testing.assert_allclose(out, expected, atol=2e-2)


CMC = {"architecture": "cmc", "in_channels": 2, "mels": 16, "stem_width": 4, "stem_kernel": 3, "widths": (4, 8),
       "pools": ((5, 2), (1, 2)), "dim": 16, "heads": 2, "blocks": 2, "conv_kernel": 3, "ffn_mult": 2,
       "cross_heads": 2,
       "tokens": {"sound": {"dim": 6}, "picture": {"dim": 5, "grid": (2, 4), "pool": (2, 1), "reach_s": 0.6}},
       }  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"fusion": "concatenation"}, {"null_token": False, "token_time": "sinusoid"}])
def test_networks_with_tokens_become_onnx_and_do_without_what_is_missing(more, tmp_path):
    torch.manual_seed(0)
    net = build(model_config({**CMC, **more})).eval()
    with torch.no_grad():
        for name, value in net.named_parameters():
            if "gate" in name:
                value.fill_(0.2)
    path = tmp_path / "net.onnx"
    export_onnx(net, path)  # compares with torch, with tokens of several lengths and clips without any
    runtime = OnnxRuntime(path, device="cpu")
    assert runtime.modalities == {"sound": (None, 6), "picture": (8, 5)}
    features = np.random.default_rng(1).normal(size=(2, 2, 50, 16)).astype(np.float32)
    tokens = random_tokens(net.config, 2, np.random.default_rng(2))
    with torch.no_grad():
        for given in (tokens, {"sound": tokens["sound"]}, {}):
            batch = {name: Tokens.of(arrays) for name, arrays in given.items()}
            expected = net.physical(net(torch.from_numpy(features), batch)).numpy()
            np.testing.assert_allclose(runtime.run(features, given), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("visual", [None, {"dim": 5, "grid": (2, 3)}])
def test_official_baselines_become_onnx(visual, tmp_path):
    small = {"architecture": "baseline", "filters": 4, "rnn_width": 16, "head_width": 8, "decoder_ffn": 32}
    export_onnx(build(model_config({**small, "visual": visual})).eval(), tmp_path / "net.onnx")


def test_exporting_leaves_the_network_in_evaluation_mode(run, tmp_path):
    net = load_model(run / "last.safetensors")
    export_onnx(net, tmp_path / "model.onnx")
    assert not any(module.training for module in net.modules())


def test_wrong_export_is_refused_and_leaves_no_file(run, tmp_path, monkeypatch):
    monkeypatch.setattr(model_export, "TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="differs from torch"):
        export_onnx(load_model(run / "last.safetensors"), tmp_path / "out" / "model.onnx")
    assert not list((tmp_path / "out").iterdir())


def test_card_says_what_the_model_needs(run, tmp_path):
    path = tmp_path / "model.onnx"
    tuning = TuningResult(tuple(np.linspace(0.2, 0.8, 13).tolist()), {"synthetic/f_score": 0.5})
    export_run(run, path, tuning, ExportOptions(name="mine", limits=("Knows no bells.",)))
    card = read_card(card_path(path))
    card.check(path)
    assert (card.name, card.features, card.thresholds) == ("mine", tiny_recipe().features, tuning.thresholds)
    assert card.recipe["run"]["steps"] == 6
    synthetic = model_export.SYNTHETIC_LIMIT.format(microphones="coincident stereo")
    assert card.limits == (synthetic, model_export.COINCIDENT_LIMIT, *model_export.LIMITS, "Knows no bells.")
    assert card.data["kind"] == "synthetic scenes"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ModelError, match="do not match"):
        card.check(path)


def test_a_mirrored_model_answers_mirror_images_alike(run, tmp_path):
    path = tmp_path / "m.onnx"
    card = export_run(run, path, TuningResult((0.5,) * 13, {}), ExportOptions(mirror=True))
    assert card.model["mirrored"] is True
    session = onnxruntime.InferenceSession(str(path))
    clip = np.random.default_rng(0).normal(size=(1, 2, 25, 16)).astype(np.float32)
    plain, mirror = (
        session.run(["accddoa"], {"features": each})[0] for each in (clip, swap(clip, tiny_recipe().features).copy())
    )
    np.testing.assert_allclose(mirror, plain * np.array([1, -1, 1, 1], np.float32), atol=1e-4)


def test_card_names_the_code_that_trained_not_the_one_that_exports(run, tmp_path):
    assert export_run(run, tmp_path / "m.onnx", TuningResult((0.5,) * 13, {})).commit == commit()
    write_commit(run)
    assert (run / COMMIT_NAME).read_text().strip() == commit()
    (run / COMMIT_NAME).write_text("0123abc\n")
    assert export_run(run, tmp_path / "m.onnx", TuningResult((0.5,) * 13, {})).commit == "0123abc"


def test_card_of_a_model_that_learnt_from_folders_does_not_say_that_they_were_synthetic(run, tmp_path):
    recipe = run / "recipe.yaml"
    changed = yaml.safe_load(recipe.read_text())
    changed["data"] |= {"folders": [{"root": str(tmp_path / "DCASE2025")}], "valid_rooms": [21]}
    recipe.write_text(yaml.safe_dump(changed))
    path = tmp_path / "model.onnx"
    card = export_run(run, path, TuningResult((0.5,) * 13, {}))
    assert card.data["folders"] == ["DCASE2025"]
    assert "synthetic" not in json.dumps([card.data, card.limits])
    assert "bank" not in card.data


def test_card_names_no_folder_of_the_machine(run, tmp_path):
    text = (run / "recipe.yaml").read_text().replace("bank: soundbank", "bank: /home/me/private/bank")
    (run / "recipe.yaml").write_text(text)
    card = export_run(run, tmp_path / "m.onnx", TuningResult((0.5,) * 13, {}))
    assert "/home" not in card.model_dump_json()
    assert card.data["bank"] == "bank"


def test_folders_that_are_no_run(tmp_path, run):
    with pytest.raises(UsageError, match=r"no recipe\.yaml"):
        export_run(tmp_path, tmp_path / "m.onnx", TuningResult((0.5,) * 13, {}))
    (run / "last.safetensors").unlink()
    with pytest.raises(ModelError):
        export_run(run, tmp_path / "m.onnx", TuningResult((0.5,) * 13, {}))


def test_thresholds_separate_each_class_on_its_own():
    """Class 2 answers truly at 0.3 and falsely at 0.2; class 9 truly at 0.9 and falsely at 0.6; class 4 never."""
    references, outputs = [], []
    for _ in range(4):
        table = EventTable.from_columns(
            frame=[0, 0], class_index=[2, 9], azimuth=[10, -40], distance=[1, 2], num_frames=2
        )
        output = ideal_output(encode(table))
        output[0, :, 2, :2] *= 0.33
        output[0, :, 9, :2] *= 0.9
        output[1, :, 2] = [0.22, 0, 1, 0]
        output[1, :, 9] = [0.62, 0, 1, 0]
        references.append(table)
        outputs.append(output)
    thresholds = class_thresholds(np.stack(outputs), tuple(references))
    assert 0.22 <= thresholds[2] < 0.33
    assert 0.62 <= thresholds[9] < 0.9
    assert thresholds[4] == 0.5


def test_model_and_card_change_together_or_not_at_all(run, tmp_path, monkeypatch):
    path = tmp_path / "out" / "model.onnx"
    tuning = TuningResult(thresholds=(0.5,) * 13, scores={})
    export_run(run, path, tuning)
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert sorted(before) == ["model.json", "model.onnx"]

    def full(*_):
        raise OSError(28, "No space left on device")

    for what in (
        "earwitness.training.export.model_export.ModelCard.write",
        "earwitness.training.export.model_export.check_onnx",
    ):
        with monkeypatch.context() as patched:
            patched.setattr(what, full)
            with pytest.raises(EncodingError, match="No space left on device"):
                export_run(run, path, tuning, ExportOptions(name="another"))
        assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_half_the_size_and_nearly_the_same_answers(tmp_path):
    torch.manual_seed(0)
    net, path = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 8)).eval(), tmp_path / "model.onnx"
    given = torch.randn(3, 64)
    torch.onnx.export(net, (given,), str(path), input_names=["given"], output_names=["said"], dynamo=False)
    whole = path.stat().st_size
    to_half_precision(path)
    assert path.stat().st_size < 0.6 * whole
    kinds = {tensor.data_type for tensor in onnx.load(str(path)).graph.initializer if len(tensor.dims) == 2}
    assert kinds == {onnx.TensorProto.FLOAT16}
    (said,) = onnxruntime.InferenceSession(str(path)).run(["said"], {"given": given.numpy()})
    difference = (torch.from_numpy(said) - net(given)).abs().max().item()
    assert 0 < difference < 2e-3


def test_small_weights_stay_as_they_are(tmp_path):
    net, path = nn.Linear(4, FEWEST // 4 - 1), tmp_path / "model.onnx"
    torch.onnx.export(net.eval(), (torch.randn(1, 4),), str(path), dynamo=False)
    before = onnx.load(str(path)).graph
    to_half_precision(path)
    assert onnx.load(str(path)).graph == before


def test_a_head_for_dense_targets_leaves_no_trace_in_the_export(tmp_path):
    dense, files = dense_recipe(), {}
    plain = dense.model_copy(update={"model": dense.model.model_copy(update={"dense": False})})
    torch.manual_seed(0)
    net = SeldNet(plain.seld)
    for name, recipe in (("dense", dense), ("plain", plain)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "recipe.yaml").write_text(recipe.dump())
        save_model(net, folder / "last.safetensors", compact=True)
        card = export_run(folder, folder / "model.onnx", TuningResult((0.5,) * 13, {}))
        assert recipe.model.dense == (name == "dense")
        files[name] = (folder / "model.onnx").read_bytes(), card.model_dump(exclude={"recipe", "commit"})
    assert files["dense"] == files["plain"]


@pytest.mark.parametrize(
    ("scene", "limit"),
    [
        ({}, model_export.COINCIDENT_LIMIT),
        ({"microphone": "xy"}, model_export.COINCIDENT_LIMIT),
        ({"microphones": {"dcase": 1, "phone": 0}}, model_export.COINCIDENT_LIMIT),
        ({"microphone": "phone"}, model_export.SPACED_LIMIT),
        ({"microphones": {"dcase": 0.5, "omni": 0.5}}, model_export.SPACED_LIMIT),
    ],
)
def test_card_tells_limits_of_the_microphones_of_training(run, tmp_path, scene, limit):
    recipe = model_export.load_recipe(run / "recipe.yaml")
    data = recipe.data.model_copy(update={"scene": scene})
    (run / "recipe.yaml").write_text(recipe.model_copy(update={"data": data}).dump())
    limits = export_run(run, tmp_path / "m.onnx", TuningResult((0.5,) * 13, {})).limits
    assert limit in limits
    assert len({model_export.COINCIDENT_LIMIT, model_export.SPACED_LIMIT}.intersection(limits)) == 1
    assert ("spaced" in limits[0]) is (limit == model_export.SPACED_LIMIT)
