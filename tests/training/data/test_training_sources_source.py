import numpy as np
import pytest

from earwitness.core.errors import UsageError
from earwitness.features import FeatureConfig
from earwitness.media.sound.wav import write_wav
from earwitness.scenes.bank import bank_check
from earwitness.scenes.bank.bank_check import unusable_sounds
from earwitness.training.data.training_sources import OpenSynthesizer, open_sources
from earwitness.training.recipe_sections import DataSpec

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
    assert set(valid.class_weights) <= {1.0}
    assert valid.max_overlap == train.max_overlap == 2


def test_validation_has_fewer_rooms_and_none_of_the_training_ones():
    train, valid = OpenSynthesizer(SPEC, "train").pool(), OpenSynthesizer(SPEC, "valid").pool()
    assert (train.rooms, valid.rooms) == (200, 40)
    assert train.seed != valid.seed
    assert train.positions == valid.positions == 5


def test_sounds_that_cannot_be_used_are_left_out_of_training(tmp_path, monkeypatch):
    pytest.importorskip("pyroomacoustics")
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    for number in range(24):
        write_wav(tmp_path / "bank" / "bell" / f"{number}.wav", tone(number), 24_000)
    (tmp_path / "bank" / "bell" / "junk.wav").write_bytes(b"junk")
    spec = DataSpec(bank=str(tmp_path / "bank"), pool={"rooms": 1, "positions": 3, "paths": 1, "path_points": 4})
    sources = open_sources(spec, FeatureConfig())
    assert list(sources.skipped) == ["bell/junk.wav"]
    used = {sound.name for split in (sources.train, sources.valid) for sound in split().bank.sounds}
    assert used == {f"bell/{number}.wav" for number in range(24)}
    monkeypatch.setattr(bank_check, "_problem", lambda path: pytest.fail("was looked up before"))
    assert list(unusable_sounds(tmp_path / "bank")) == ["bell/junk.wav"]
    monkeypatch.undo()
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    write_wav(tmp_path / "bank" / "bell" / "junk.wav", tone(99), 24_000)
    assert unusable_sounds(tmp_path / "bank") == {}


def tone(number: int) -> np.ndarray:
    return 0.3 * np.sin(np.arange(24_000) * (0.1 + 0.01 * number)).astype(np.float32)[None]


def test_what_training_leaves_out_validation_leaves_out_and_has_the_rest_alike(tmp_path, monkeypatch):
    pytest.importorskip("pyroomacoustics")
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    for number in range(30):
        write_wav(tmp_path / "bank" / "bell" / f"{number}.wav", tone(number), 24_000)
    spec = DataSpec(
        bank=str(tmp_path / "bank"), pool={"rooms": 1, "positions": 3, "paths": 1, "path_points": 4, "kind": "varied"},
        weights={"bell/1*": 0.25, "bell/2*": 0.0},
    )  # fmt: skip
    train, valid = (OpenSynthesizer(spec, split)().bank for split in ("train", "valid"))
    assert train.weights == {"bell/1*": 0.25, "bell/2*": 0.0}
    assert valid.weights == {"bell/2*": 0.0}
    rng = np.random.default_rng(0)
    for bank in (train, valid):
        assert not any(bank.draw("bell", rng).name.startswith("bell/2") for _ in range(100))


def test_recipes_name_presets_and_share_scenes_with_them():
    spec = DataSpec(scene={"preset": "starss", "preset_share": 0.5, "flaw_probability": 0.4})
    train, valid = OpenSynthesizer(spec, "train").scene(), OpenSynthesizer(spec, "valid").scene()
    assert train.preset == valid.preset is not None
    assert (train.preset_share, valid.preset_share) == (0.5, 1.0)
    assert train.flaw_probability == valid.flaw_probability == 0.4
    with pytest.raises(UsageError, match=r"data\.scene\.preset.*unknown scene preset 'mars'"):
        OpenSynthesizer(DataSpec(scene={"preset": "mars"}), "train").scene()


def test_names_a_setting_that_does_not_exist():
    with pytest.raises(UsageError, match=r"data\.scene\.reverb"):
        OpenSynthesizer(DataSpec(scene={"reverb": 1}), "train").scene()
