"""Loading of networks of `transformers`: only whole, matching weights in the folder itself."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from earwitness.core.errors import EncoderError, MissingExtraError
from earwitness.encoders.pretrained import load_pretrained, refuse_other_weights

NETWORK = "OwlViTForObjectDetection"


@pytest.mark.parametrize(
    "values", [{"auto_map": {"AutoModel": "code.Net"}}, {"transformers_weights": "other.safetensors"}, ["a list"]]
)
def test_configurations_that_name_code_or_other_weights_are_refused(tmp_path: Path, values: object) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(values))
    with pytest.raises(EncoderError, match="names other files"):
        refuse_other_weights(config, tmp_path / "given")
    config.write_text(json.dumps({"model_type": "owlvit"}))
    refuse_other_weights(config, tmp_path / "given")


def test_a_damaged_configuration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(EncoderError):
        refuse_other_weights(tmp_path / "config.json", tmp_path)


def test_without_the_extra_the_message_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match="semantic"):
        load_pretrained(NETWORK, tmp_path, "owlvit", 1, "cpu")


def test_networks_are_frozen_and_use_the_threads_given(owlvit_folder: Path) -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    try:
        net = load_pretrained(NETWORK, owlvit_folder, "owlvit", 1, "cpu")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    assert not net.training
    assert not any(weight.requires_grad for weight in net.parameters())
    assert {weight.dtype for weight in net.parameters()} == {torch.float32}


def test_weights_of_another_network_and_folders_without_weights_are_refused(
    owlvit_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(EncoderError, match=r"do not fit 'clap'|no usable weights of 'clap'"):
        load_pretrained("ClapModel", owlvit_folder, "clap", 1, "cpu")
    shutil.copy(owlvit_folder / "config.json", tmp_path)
    with pytest.raises(EncoderError, match="no usable weights of 'owlvit'"):
        load_pretrained(NETWORK, tmp_path, "owlvit", 1, "cpu")


def test_cuda_is_refused_where_there_is_none(owlvit_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EncoderError, match="--device cpu"):
        load_pretrained(NETWORK, owlvit_folder, "owlvit", 1, "cuda")
