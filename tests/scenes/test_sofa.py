from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.core.errors import BankError
from earwitness.scenes.acoustics.sofa import open_sofa
from sofa_files import ORIGIN, PLACES, RATE, room_responses, spherical, with_units, write_sofa

h5py = pytest.importorskip("h5py", reason="SOFA files need h5py (extra 'sofa')")


def test_empty_attributes_say_nothing_and_moving_emitters_are_refused(tmp_path: Path) -> None:
    path = write_sofa(tmp_path / "a.sofa", room_responses(PLACES), PLACES)
    with h5py.File(path, "r+") as file:
        file["SourcePosition"].attrs["Units"] = h5py.Empty("S1")
        file["Data.SamplingRate"].attrs["Units"] = np.bytes_(b"hertz\0")
    with open_sofa(path) as sofa:
        assert sofa.position == pytest.approx(PLACES, abs=1e-9)
    responses = np.stack([room_responses(PLACES[:1])[0], room_responses(PLACES[1:2])[0]], axis=-1)[None]
    emitters = np.zeros((2, 3, 4))
    emitters[1, 0] = np.arange(4)
    path = write_sofa(tmp_path / "b.sofa", responses, PLACES[:1], EmitterPosition=emitters)
    with pytest.raises(BankError, match="EmitterPosition changes"), open_sofa(path):
        pass


@pytest.mark.parametrize(
    ("changes", "units", "message"),
    [
        ({"Data_Delay": np.array([[1e9]])}, {}, "Data.Delay"),
        ({"Data_Delay": np.array([[-5.0]])}, {}, "Data.Delay"),
        ({"Data_Delay": np.array([[np.nan]])}, {}, "Data.Delay holds NaN"),
        ({"Data_Delay": np.zeros((3, 4))}, {}, "Data.Delay has the shape"),
        ({"Data_Delay": np.zeros((1, 4))}, {"Data_Delay": "fortnights"}, "fortnights"),
        ({"Data_SamplingRate": np.array([48.0])}, {}, "check its unit"),
        ({"Data_SamplingRate": np.array([48_000.0])}, {"Data_SamplingRate": "kilohertz"}, "check its unit"),
        ({"Data_SamplingRate": np.array([48_000.0])}, {"Data_SamplingRate": "second"}, "hertz or kilohertz"),
        ({"Data_SamplingRate": np.array([48_000.0, 44_100.0])}, {}, "one rate"),
        ({"Data_SamplingRate": np.array([np.inf])}, {}, "infinity"),
        ({"SourcePosition": PLACES * 100}, {}, "limit is 100 m"),
        ({"SourcePosition": PLACES}, {"SourcePosition": "furlong"}, "furlong"),
        ({"SourcePosition": PLACES}, {"SourcePosition": "metre, metre"}, "metre, metre"),
        ({"SourcePosition": PLACES[:4]}, {}, "SourcePosition has the shape"),
        ({"SourcePosition": PLACES[:, :2]}, {}, "three coordinates"),
        ({"SourcePosition": PLACES * np.nan}, {}, "NaN"),
        ({"SourcePosition": PLACES, "types": {"SourcePosition": "cylindrical"}}, {}, "cylindrical"),
        (
            {"SourcePosition": spherical(PLACES, 1.0), "ListenerPosition": ORIGIN,
             "types": {"SourcePosition": "spherical"}}, {}, "may be radians",
        ),
        (
            {"SourcePosition": spherical(PLACES), "types": {"SourcePosition": "spherical"}},
            {"SourcePosition": "radian, radian, metre"}, "impossible angles",
        ),
        ({"ListenerUp": np.array([[1.0, 0, 0]])}, {}, "give no directions"),
        ({"ListenerView": np.zeros((1, 3))}, {}, "give no directions"),
        ({"Data_IR": np.zeros((10, 4))}, {}, "Data.IR has the shape"),
        ({"Data_IR": np.zeros((10, 4, 0))}, {}, "Data.IR has the shape"),
        ({"Data_IR": np.array([b"x"])}, {}, "does not hold numbers"),
        ({"ListenerPosition": None}, {}, "lacks ListenerPosition"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(
    tmp_path: Path, changes: dict[str, Any], units: dict[str, str], message: str
) -> None:
    path = with_units(write_sofa(tmp_path / "a.sofa", room_responses(PLACES), PLACES, **changes), **units)
    with pytest.raises(BankError, match=message) as error, open_sofa(path):
        pass
    assert "a.sofa" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("convention", ["SimpleFreeFieldHRIR", "FreeFieldDirectivityTF", "SimpleHeadphoneIR"])
def test_conventions_without_a_room_are_refused(tmp_path: Path, convention: str) -> None:
    path = write_sofa(tmp_path / "a.sofa", room_responses(PLACES), PLACES)
    with h5py.File(path, "r+") as file:
        file.attrs["SOFAConventions"] = convention
    with pytest.raises(BankError, match=convention), open_sofa(path):
        pass


@pytest.mark.parametrize("name", ["Data.IR", "SourcePosition", "Data.SamplingRate", "ListenerUp"])
@pytest.mark.parametrize("how", ["external link", "soft link", "raw file", "virtual", "group"])
def test_nothing_but_the_file_is_opened(tmp_path: Path, name: str, how: str) -> None:
    path = write_sofa(tmp_path / "a.sofa", room_responses(PLACES), PLACES)
    other = write_sofa(tmp_path / "other.sofa", room_responses(PLACES), PLACES)
    with h5py.File(path, "r+") as file:
        shape = file[name].shape
        del file[name]
        if how == "external link":
            file[name] = h5py.ExternalLink(str(other), f"/{name}")
        elif how == "soft link":
            file["there"] = h5py.ExternalLink(str(other), "/")
            file[name] = h5py.SoftLink(f"/there/{name}")
        elif how == "raw file":
            file.create_dataset(name, shape, float, external=[(str(other), 0, h5py.h5f.UNLIMITED)])
        elif how == "virtual":
            layout = h5py.VirtualLayout(shape, float)
            layout[...] = h5py.VirtualSource(str(other), name, shape=shape)
            file.create_virtual_dataset(name, layout)
        else:
            file.create_group(name)
    with pytest.raises(BankError, match=r"is a link or a group|are in another file"), open_sofa(path):
        pass


def test_small_files_that_unpack_to_much_are_refused_or_read_in_part(tmp_path: Path) -> None:
    path = write_sofa(tmp_path / "a.sofa", room_responses(PLACES), PLACES, Data_IR=None, Data_Delay=np.zeros((1, 1)))
    with h5py.File(path, "r+") as file:  # 10 responses of 23 hours: 120 GB
        file.create_dataset("Data.IR", (10, 1, 2**32), np.float32, chunks=(1, 1, 2**20), compression="gzip")
        file["Data.IR"][:, 0, 100] = 1
        del file["ReceiverPosition"]
        file["ReceiverPosition"] = np.zeros((1, 3, 1))
    with open_sofa(path) as sofa:
        assert sofa.response(3).shape[1] <= 2.3 * RATE
    with h5py.File(path, "r+") as file:
        del file["Data.IR"]
        file.create_dataset("Data.IR", (10, 1, 2**28), np.float32, chunks=(1, 1, 2**28), compression="gzip")
    with pytest.raises(BankError, match="chunks of more than"), open_sofa(path):
        pass
    with h5py.File(path, "r+") as file:
        del file["Data.IR"], file["SourcePosition"]
        file.create_dataset("Data.IR", (10**7, 1, 2**15), np.float32, chunks=(1, 1, 2**15), compression="gzip")
        file.create_dataset("SourcePosition", (10**7, 3), np.float32, chunks=(1000, 3), compression="gzip")
    with pytest.raises(BankError, match="split it"), open_sofa(path):
        pass
