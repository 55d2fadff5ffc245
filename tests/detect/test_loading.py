from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.core.errors import ModelError
from earwitness.detect.detector import Detector
from earwitness.detect.model.ensemble_file import read_ensemble, write_ensemble
from earwitness.detect.model.loading import ensemble_card, member_file, split_names
from earwitness.detect.model.model_files import find_model

Burst = Callable[..., NDArray[np.float32]]


@pytest.fixture
def packed(meter_model: Path, random_model: Path, tmp_path: Path) -> Path:
    members = [member_file(str(meter_model)), member_file(f"mirror:{random_model}")]
    path = tmp_path / "both.ensemble"
    write_ensemble(path, members, ensemble_card([file.card for file, _ in members], ["a", "b"], "both"), (1.0, 0.0))
    return path


def test_one_model_twice_is_the_model(meter_model: Path, make_burst: Burst) -> None:
    sound = make_burst(7, (1.0, 2.0, 40), (4, 5, -20))
    alone = Detector.load(meter_model).detect_array(sound, 24_000)
    twice = Detector.load(f"{meter_model},mirror:{meter_model}").detect_array(sound, 24_000)
    assert len(alone.events) == 2
    assert twice.table.same_as(alone.table, tolerance=1e-3)
    assert twice.model.name == "meter+mirror:meter"
    assert [member["name"] for member in twice.settings["members"]] == ["meter", "meter"]


def test_the_order_of_names_makes_no_difference(meter_model: Path, random_model: Path, make_burst: Burst) -> None:
    sound = make_burst(7, (1.0, 2.0, 40))
    one, other = (
        Detector.load(names).detect_array(sound, 24_000).table
        for names in (f"{meter_model},{random_model}", f"{random_model}, {meter_model}")
    )
    assert len(one) > 0
    assert one.same_as(other, tolerance=1e-3)


def test_a_file_holds_the_whole_ensemble(packed: Path, meter_model: Path, make_burst: Burst) -> None:
    moved = packed.rename(packed.with_name("moved.ensemble"))
    sound = make_burst(6, (1.0, 2.0, 40))
    detector = Detector.load(moved)
    assert detector.model.name == "both"
    assert detector.card.thresholds == pytest.approx((0.5,) * 13)
    alone = Detector.load(meter_model).detect_array(sound, 24_000)
    assert detector.detect_array(sound, 24_000).table.same_as(alone.table, tolerance=1e-3)  # the other weighs nothing
    assert [member.mirrored for member in read_ensemble(moved).members] == [False, True]


def test_the_same_members_give_the_same_bytes(packed: Path, meter_model: Path, random_model: Path) -> None:
    before = packed.read_bytes()
    members = [member_file(str(meter_model)), member_file(f"mirror:{random_model}")]
    write_ensemble(packed, members, ensemble_card([file.card for file, _ in members], ["a", "b"], "both"), (1.0, 0.0))
    assert packed.read_bytes() == before


def test_what_cannot_be_used_is_named(packed: Path, meter_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.ensemble: no such ensemble"):
        Detector.load(tmp_path / "gone.ensemble")
    junk = tmp_path / "junk.ensemble"
    junk.write_bytes(b"no archive")
    with pytest.raises(ModelError, match=r"junk\.ensemble: not a usable ensemble"):
        Detector.load(junk)
    with pytest.raises(ModelError, match="unknown model 'nothing'"):
        Detector.load(f"{meter_model},nothing")
    with pytest.raises(ModelError, match="single commas"):
        split_names(f"{meter_model},,x")
    with pytest.raises(ModelError, match="another ensemble; name its members"):
        member_file(str(packed))
    with pytest.raises(ModelError, match=r"must end in \.ensemble"):
        write_ensemble(tmp_path / "x.onnx", [], find_model(meter_model).card)


def test_a_damaged_member_is_found(packed: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.ensemble"
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            contents = old.read(name)
            new.writestr(name, contents[:-1] + b"x" if name == "members/1.onnx" else contents)
    with pytest.raises(ModelError, match=r"members/1\.onnx: its contents do not match its card"):
        Detector.load(changed)


def test_a_path_with_a_comma_is_one_model(meter_model: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a,b.onnx"
    odd.write_bytes(meter_model.read_bytes())
    odd.with_suffix(".json").write_bytes(meter_model.with_suffix(".json").read_bytes())
    assert split_names(odd) == [str(odd)]
    assert Detector.load(odd).model.name == "meter"
