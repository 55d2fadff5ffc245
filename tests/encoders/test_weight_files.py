"""Weights on disk, and models as `transformers` saves them: they have one fingerprint wherever they lie."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import EncoderError
from earwitness.encoders.clap import Clap
from earwitness.encoders.owlvit import OwlVit
from earwitness.encoders.weights.weight_files import RECORD, Weights, read_record, saved_files, sha256_of


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    for name, content in (("a.bin", b"a"), ("b.json", b"{}"), ("secret.py", b"import os")):
        (tmp_path / name).write_bytes(content)
    return Weights("toy", tmp_path, {name: sha256_of(tmp_path / name) for name in ("a.bin", "b.json")})


def test_the_digest_depends_on_names_and_contents_but_not_on_the_order(weights: Weights) -> None:
    turned = Weights("toy", weights.folder, dict(reversed(weights.sha256.items())))
    assert turned.digest == weights.digest
    assert weights.only(["a.bin", "missing"]).sha256 == {"a.bin": hashlib.sha256(b"a").hexdigest()}
    assert weights.only(["a.bin"]).digest != weights.digest


def test_libraries_see_the_verified_files_only(weights: Weights) -> None:
    with weights.isolated() as folder:
        assert sorted(path.name for path in folder.iterdir()) == ["a.bin", "b.json"]
        assert (folder / "a.bin").read_bytes() == b"a"
    assert not folder.exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"../a.bin": "0"}'])
def test_a_damaged_record_says_what_to_do(tmp_path: Path, text: str) -> None:
    assert read_record(tmp_path) == {}
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(EncoderError, match="pull the model again"):
        read_record(tmp_path)


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"a\.bin: cannot be read"):
        sha256_of(tmp_path / "a.bin")


transformers = pytest.importorskip("transformers", reason="CLAP needs the extra 'semantic'")
SOUND = np.random.default_rng(0).normal(scale=0.05, size=(2, 24_000)).astype(np.float32)
PICTURES = np.random.default_rng(1).integers(0, 255, (1, 36, 64, 3), np.uint8)


def pull(name: str, folder: Path) -> str:
    result = CliRunner().invoke(app, ["models", "pull", name, "--from", str(folder)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def clap_model(clap_folder: Path) -> Any:
    return transformers.ClapModel.from_pretrained(clap_folder)


@pytest.mark.parametrize("form", ["plain", "parts", "processor", "preprocessor", "sound tower", "16 bits"])
def test_a_pulled_clap_is_the_folder_it_came_from(form: str, clap_model: Any, cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clap"
    extractor = transformers.ClapFeatureExtractor(frequency_min=50, truncation="rand_trunc", frequency_max=12_000)
    if form == "sound tower":
        tower = transformers.ClapAudioModelWithProjection(clap_model.config.audio_config)
        tower.save_pretrained(folder)
    elif form == "16 bits":
        transformers.ClapModel(clap_model.config).half().save_pretrained(folder)
    else:
        clap_model.save_pretrained(folder, max_shard_size="100KB" if form == "parts" else "5GB")
    if form == "preprocessor":
        extractor.save_pretrained(folder)
    if form == "processor":  # as ClapProcessor.save_pretrained writes it
        nested = {"feature_extractor": extractor.to_dict(), "processor_class": "ClapProcessor"}
        (folder / "processor_config.json").write_text(json.dumps(nested, default=str))
    own = Clap.load(None, folder)
    pull("clap", folder)
    pulled = Clap.load()
    assert pulled.fingerprint == own.fingerprint
    tokens = pulled.encode(SOUND, 24_000).tokens
    assert tokens.dtype == np.float32
    np.testing.assert_array_equal(tokens, own.encode(SOUND, 24_000).tokens)
    if form == "parts":
        assert len(saved_files(folder, "clap")) > 3
    assert "intact" in CliRunner().invoke(app, ["models", "info", "clap"]).output
    listed = json.loads(CliRunner().invoke(app, ["models", "list", "--json"]).output)
    assert [one["name"] for one in listed if one["here"]] == ["clap"]


def test_what_the_processor_says_is_used_and_in_the_fingerprint(clap_folder: Path, tmp_path: Path) -> None:
    plain = Clap.load(None, clap_folder)
    tokens, prints = [plain.encode(SOUND, 24_000).tokens], [plain.fingerprint]
    for name, nested in (("preprocessor_config.json", False), ("processor_config.json", True)):
        folder = tmp_path / name
        shutil.copytree(clap_folder, folder)
        values = {"frequency_max": 8000}
        (folder / name).write_text(json.dumps({"feature_extractor": values} if nested else values))
        encoder = Clap.load(None, folder)
        tokens.append(encoder.encode(SOUND, 24_000).tokens)
        prints.append(encoder.fingerprint)
    assert len(set(prints)) == 3
    np.testing.assert_array_equal(tokens[1], tokens[2])
    assert not np.allclose(tokens[0], tokens[1])


def test_a_pull_from_a_folder_replaces_what_was_pulled(clap_model: Any, cache: Path, tmp_path: Path) -> None:
    clap_model.save_pretrained(tmp_path / "parts", max_shard_size="100KB")
    transformers.ClapModel(clap_model.config).save_pretrained(tmp_path / "other")
    prints = []
    for name in ("parts", "other"):
        pull("clap", tmp_path / name)
        prints.append(Clap.load().fingerprint)
        assert prints[-1] == Clap.load(None, tmp_path / name).fingerprint
    assert len(set(prints)) == 2
    installed = {path.name for path in (cache / "models" / "clap").iterdir()}
    assert installed == {"config.json", "model.safetensors", "files.json"}
    assert "MB" not in pull("clap", tmp_path / "other")  # nothing is copied again


@pytest.mark.parametrize("detector", [True, False])
def test_a_pulled_owlvit_is_the_folder_it_came_from(
    detector: bool, owlvit_folder: Path, cache: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "owlvit"
    shutil.copytree(owlvit_folder, folder)
    if not detector:
        transformers.OwlViTModel.from_pretrained(owlvit_folder).save_pretrained(folder)
    (folder / "vocab.json").write_text("{}")  # of the tokenizer: changes no token
    own = OwlVit.load(None, folder)
    pull("owlvit", folder)
    assert (cache / "models" / "owlvit" / "vocab.json").is_file()
    assert OwlVit.load().fingerprint == own.fingerprint
    (folder / "vocab.json").write_text('{"a": 1}')
    assert OwlVit.load(None, folder).fingerprint == own.fingerprint


def test_owlvit_uses_the_mean_that_its_processor_was_saved_with(owlvit_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "owlvit"
    shutil.copytree(owlvit_folder, folder)
    times = np.zeros(1)
    before = OwlVit.load(None, folder)
    settings = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    after = OwlVit.load(None, folder)
    assert after.fingerprint != before.fingerprint
    assert not np.allclose(before.encode(PICTURES, times).tokens, after.encode(PICTURES, times).tokens)
    for wrong in ({"do_normalize": False}, {"image_std": [0, 1, 1]}, {"rescale_factor": 1.0}, {"image_mean": "x"}):
        (folder / "preprocessor_config.json").write_text(json.dumps(wrong))
        with pytest.raises(EncoderError, match=r"preprocessor_config\.json"):
            OwlVit.load(None, folder)


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ("{}", "does not list the parts"),
        ('{"weight_map": {"a": "../../else.safetensors"}}', "does not list the parts"),
        ('{"weight_map": {"a": "model-1.safetensors"}}', r"a part of the weights is missing: model-1\.safetensors"),
        ("[", "index"),
    ],
)
def test_damaged_folders_are_named(index: str, said: str, clap_folder: Path, cache: Path, tmp_path: Path) -> None:
    shutil.copy(clap_folder / "config.json", tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(EncoderError, match=said):
        Clap.load(None, tmp_path)
    with pytest.raises(EncoderError, match=said):
        CliRunner().invoke(app, ["models", "pull", "clap", "--from", str(tmp_path)], catch_exceptions=False)


def test_a_folder_without_a_model_is_named(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"config\.json is missing; use a folder that save_pretrained wrote"):
        CliRunner().invoke(app, ["models", "pull", "owlvit", "--from", str(tmp_path)], catch_exceptions=False)
