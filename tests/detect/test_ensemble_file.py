from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="building test models needs onnx (extra 'train')")

from earwitness.core.errors import ModelError
from earwitness.detect.model.ensemble_file import read_ensemble, write_ensemble
from earwitness.detect.model.loading import find_model


@pytest.fixture
def packed(meter_model: Path, tmp_path: Path) -> Path:
    file = find_model(str(meter_model))
    path = tmp_path / "pair.ensemble"
    write_ensemble(path, [(file, False), (file, True)], file.card, [1.0, 3.0])
    return path


def test_members_weights_and_cards_come_back(packed: Path, meter_model: Path) -> None:
    found = read_ensemble(packed)
    assert [member.mirrored for member in found.members] == [False, True]
    assert found.weights == (1.0, 3.0)
    assert all(member.contents == meter_model.read_bytes() for member in found.members)
    assert found.card == found.members[0].card


def test_the_same_members_give_the_same_bytes(packed: Path, meter_model: Path, tmp_path: Path) -> None:
    file = find_model(str(meter_model))
    again = tmp_path / "again.ensemble"
    write_ensemble(again, [(file, False), (file, True)], file.card, [1.0, 3.0])
    assert again.read_bytes() == packed.read_bytes()


def rewritten(packed: Path, **changes: bytes) -> Path:
    """A copy of an archive in which some entries (the part of the name before the suffix) have other contents."""
    path = packed.with_name("changed.ensemble")
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, changes.get(Path(name).name.replace(".", "_"), old.read(name)))
    return path


def test_a_member_that_does_not_match_its_card_is_refused(packed: Path) -> None:
    with pytest.raises(ModelError, match=r"0\.onnx"):
        read_ensemble(rewritten(packed, **{"0_onnx": b"another model"}))


@pytest.mark.parametrize(
    "index",
    [
        {"format": 2, "members": [{"file": "members/0"}]},
        {"members": [{"file": "../outside"}]},
        {"members": [{"file": "members/0"}, {"file": "members/0"}]},
        {"members": [], "weights": [1]},
    ],
)
def test_an_index_that_is_none_is_refused_in_one_line(packed: Path, index: dict[str, object]) -> None:
    with pytest.raises(ModelError, match=r"ensemble\.json") as refused:
        read_ensemble(rewritten(packed, ensemble_json=json.dumps(index).encode()))
    assert "\n" not in str(refused.value)


def test_a_wrong_suffix_and_a_missing_file_are_refused(meter_model: Path, tmp_path: Path) -> None:
    file = find_model(str(meter_model))
    with pytest.raises(ModelError, match=r"must end in \.ensemble"):
        write_ensemble(tmp_path / "pair.zip", [(file, False)], file.card)
    with pytest.raises(ModelError, match="no such ensemble"):
        read_ensemble(tmp_path / "none.ensemble")
