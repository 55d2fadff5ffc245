import pytest

from earwitness.errors import RecipeError
from earwitness.training.recipe import DataSpec
from earwitness.training.source import OpenSynthesizer

SPEC = DataSpec(
    pool={"rooms": 200, "positions": 5, "seed": 3},
    scene={"class_weights": list(range(1, 14)), "wide_speed": [0.7, 1.4], "band_probability": 0.5, "max_overlap": 2},
)


def test_what_disguises_sources_is_for_training_alone():
    train, valid = OpenSynthesizer(SPEC, "train").scene(), OpenSynthesizer(SPEC, "valid").scene()
    assert train.wide_speed == (0.7, 1.4)
    assert train.band_probability == 0.5
    assert valid.wide_speed is None
    assert valid.band_probability == 0
    assert set(valid.class_weights) == {1.0}
    assert valid.max_overlap == train.max_overlap == 2


def test_validation_has_fewer_rooms_and_none_of_the_training_ones():
    train, valid = OpenSynthesizer(SPEC, "train").pool(), OpenSynthesizer(SPEC, "valid").pool()
    assert (train.rooms, valid.rooms) == (200, 40)
    assert train.seed != valid.seed
    assert train.positions == valid.positions == 5


def test_names_a_setting_that_does_not_exist():
    with pytest.raises(RecipeError, match=r"data\.scene\.reverb"):
        OpenSynthesizer(DataSpec(scene={"reverb": 1}), "train").scene()
