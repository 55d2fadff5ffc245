import pytest
import torch
from safetensors.torch import load_file, save_file

from earwitness.core.errors import ModelError
from earwitness.models.architectures import BaselineConfig
from earwitness.models.checkpoint import CONFIG_KEY, build, load_model, save_model
from earwitness.models.seld import SeldNet
from earwitness.models.seld_config import SeldConfig
from nets import cmc_config

TINY = SeldConfig(
    in_channels=2, mels=16, stem_width=4, stem_kernel=3, widths=(4, 8), pools=((5, 2), (1, 2)),
    dim=16, heads=2, blocks=1, conv_kernel=3, ffn_mult=2,
)  # fmt: skip


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    net = SeldNet(TINY)
    net.scaler.set(torch.tensor(1.5), torch.tensor(2.5))
    path = tmp_path / "model.safetensors"
    save_model(net, path)
    return net, path


def test_round_trip_keeps_every_tensor_and_the_scaler(saved):
    net, path = saved
    again = load_model(path)
    assert again.config == TINY
    assert not again.training
    torch.testing.assert_close(again.state_dict(), net.state_dict(), rtol=0, atol=0)


def test_checkpoints_of_before_there_were_other_networks(saved):
    net, path = saved
    dimensions = TINY.model_dump_json(exclude={"architecture"})
    save_file(load_file(path), path, metadata={"seld_config": dimensions})
    torch.testing.assert_close(load_model(path).state_dict(), net.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("config", [BaselineConfig(filters=4), cmc_config()])
def test_other_networks_come_back_as_what_they_were(config, tmp_path):
    net = build(config)
    save_model(net, tmp_path / "net.safetensors")
    again = load_model(tmp_path / "net.safetensors")
    assert (type(again), again.config) == (type(net), config)
    torch.testing.assert_close(again.state_dict(), net.state_dict(), rtol=0, atol=0)


def test_damaged_or_missing(saved, tmp_path):
    _, path = saved
    with pytest.raises(ModelError):
        load_model(tmp_path / "none.safetensors")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ModelError):
        load_model(path)


@pytest.mark.parametrize("change", ["drop", "add", "reshape"])
def test_tensors_that_do_not_fit_are_named(saved, change):
    _, path = saved
    tensors = load_file(path)
    if change == "drop":
        del tensors["head.bias"]
    elif change == "add":
        tensors["head.extra"] = torch.zeros(1)
    else:
        tensors["head.bias"] = torch.zeros(3)
    save_file(tensors, path, metadata={CONFIG_KEY: TINY.model_dump_json()})
    with pytest.raises(ModelError, match=r"head\.(bias|extra)"):
        load_model(path)


def test_weights_without_dimensions(saved):
    _, path = saved
    save_file(load_file(path), path)
    with pytest.raises(ModelError, match="dimensions"):
        load_model(path)


@pytest.mark.parametrize(
    "claim", [{"dim": 4_000_000_000}, {"widths": [4, 2_000_000_000]}, {"blocks": 10**9}, {"dim": 1e30}]
)
def test_dimensions_that_would_take_all_memory_are_refused_at_once(saved, claim):
    import json

    _, path = saved
    dimensions = json.loads(TINY.model_dump_json()) | claim
    save_file(load_file(path), path, metadata={CONFIG_KEY: json.dumps(dimensions)})
    with pytest.raises(ModelError):
        load_model(path)


def test_a_hostile_configuration_names_nothing_that_is_imported(saved):
    import json

    _, path = saved
    for hostile in (
        {"architecture": "os.system", "cmd": "true"},
        {"_target_": "os.system"},
        json.loads(TINY.model_dump_json()) | {"__class__": "subprocess.Popen"},
    ):
        save_file(load_file(path), path, metadata={CONFIG_KEY: json.dumps(hostile)})
        with pytest.raises(ModelError, match="no valid model dimensions"):
            load_model(path)
    save_file(load_file(path), path, metadata={CONFIG_KEY: "[" * 100_000})
    with pytest.raises(ModelError, match="no valid model dimensions"):
        load_model(path)
