"""The picture of the system says what its recipe says."""

import importlib.util
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from earwitness.training.recipe import load_recipe

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def draw():
    spec = importlib.util.spec_from_file_location("draw_system", ROOT / "scripts" / "draw_system.py")
    module = sys.modules["draw_system"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.draw


def words(svg):
    return [node.text for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_picture_in_the_docs_is_that_of_the_recipe(draw):
    drawn = draw(load_recipe(ROOT / "recipes" / "cmc-av.yaml"))
    assert (ROOT / "docs" / "images" / "system.svg").read_text(encoding="utf-8") == drawn


def test_boxes_follow_the_configuration(draw):
    overrides = ["model.blocks=3", "model.cross_heads=2", "model.tokens={sound: {dim: 77}}"]
    said = words(draw(load_recipe(ROOT / "recipes" / "cmc-av.yaml", overrides)))
    assert "LayerNorm, 77 -> 512" in said
    assert "cross-attention to 'sound'" in said
    assert not any("picture" in line for line in said)
    assert any(line.endswith("block, x 3") for line in said)
    said = words(draw(load_recipe(ROOT / "recipes" / "cmc-av.yaml", ["model.fusion=concatenation"])))
    assert "gated concatenation" in said
    assert not any("cross-attention" in line for line in said)
