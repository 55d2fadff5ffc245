from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from earwitness.models.architectures import ARCHITECTURES, SymmetricConfig, model_config, tagged, token_widths
from earwitness.models.seld_config import SeldConfig
from nets import SHAPE


def test_recipes_without_an_architecture_mean_the_first_one() -> None:
    assert isinstance(model_config(SHAPE), SeldConfig)
    assert tagged({"architecture": "cmc"}) == {"architecture": "cmc"}
    with pytest.raises(ValidationError, match="transformer"):
        model_config({"architecture": "transformer"})


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_dimensions_come_back_from_plain_values(name: str) -> None:
    shape = {} if name == "baseline" else {**SHAPE, "in_channels": 3}
    config = model_config({"architecture": name, **shape})
    assert config.architecture == name
    assert model_config(config.model_dump(mode="json")) == config
    with pytest.raises(ValidationError, match="colour"):
        model_config({**config.model_dump(), "colour": 1})


def test_networks_state_the_tokens_that_they_take() -> None:
    assert token_widths(model_config(SHAPE)) == {}
    fused = model_config({**SHAPE, "architecture": "cmc", "tokens": {"clap": {"dim": 6}, "owlvit": {"dim": 5}}})
    assert token_widths(fused) == {"clap": 6, "owlvit": 5}
    assert token_widths(model_config({"architecture": "baseline"})) == {}


def test_odd_channels_are_those_of_the_intensity() -> None:
    config = SymmetricConfig.model_validate({**SHAPE, "in_channels": 3, "architecture": "symmetric"})
    config.check_channels(["logmel_m", "logmel_s", "intensity"])
    with pytest.raises(ValueError, match=r"must be \[0\]"):
        config.check_channels(["intensity", "logmel_m", "logmel_s"])
    with pytest.raises(ValueError, match="none of logmel_l"):
        config.check_channels(["logmel_l", "logmel_r", "intensity"])


def test_dimensions_can_be_read_without_torch() -> None:
    code = "import sys, earwitness.models.architectures; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
