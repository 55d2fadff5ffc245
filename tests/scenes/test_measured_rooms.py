from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from earwitness.core.errors import BankError
from earwitness.scenes import RirPool, SceneConfig, SoundBank, Synthesizer
from earwitness.scenes.acoustics.measured_rooms import measured_pool, read_room
from earwitness.scenes.acoustics.microphone_response import capture_rir
from earwitness.scenes.acoustics.microphones import microphone_called
from earwitness.scenes.acoustics.rir_files import SCALE, left_out
from earwitness.scenes.acoustics.sofa import open_sofa

h5py = pytest.importorskip("h5py", reason="SOFA files need h5py (extra 'sofa')")

RATE = 48_000


def circle(distance: float, step_deg: float, start: float = 0.0, stop: float = 360.0, up: float = 0.0) -> np.ndarray:
    azimuth = np.radians(np.arange(start, stop, step_deg))
    return np.stack([distance * np.cos(azimuth), distance * np.sin(azimuth), np.full(azimuth.size, up)], axis=1)


def room_responses(places: np.ndarray, tail: float = 0.02, late: int = 0) -> np.ndarray:
    """Direct sound, and a diffuse tail of so much: (n, 4, samples) W, Y, Z, X."""
    rng = np.random.default_rng(0)
    distance = np.linalg.norm(places, axis=1)
    size = RATE // 2
    decay = np.exp(-np.arange(size) / RATE * 6.9 / 0.3) * tail
    responses = rng.standard_normal((len(places), 4, size)) * decay * np.sqrt([1, 1 / 3, 1 / 3, 1 / 3])[:, None]
    for response, place, away in zip(responses, places, distance, strict=True):
        at = round(away / 343 * RATE) + late
        response[:, :at] = 0
        response[:, at] += np.array([1, *(place[[1, 2, 0]] / away)]) / away
    return responses


def write_sofa(path: Path, responses: np.ndarray, places: np.ndarray, **changes: Any) -> Path:
    """What SingleRoomSRIR asks for, as far as it matters; `None` leaves a variable out."""
    receivers = responses.shape[1]
    variables: dict[str, Any] = {
        "Data.IR": responses,
        "Data.SamplingRate": np.array([float(RATE)]),
        "Data.Delay": np.zeros((1, receivers)),
        "ListenerPosition": np.array([[0.0, 0.0, 1.4]]),
        "ListenerView": np.array([[1.0, 0.0, 0.0]]),
        "ListenerUp": np.array([[0.0, 0.0, 1.0]]),
        "ReceiverPosition": np.zeros((receivers, 3, 1)),
        "EmitterPosition": np.zeros((1, 3, 1)),
        "SourcePosition": places + np.array([0.0, 0.0, 1.4]),
    }
    types = {"ReceiverPosition": "spherical harmonics" if receivers == 4 else "cartesian", **changes.pop("types", {})}
    variables |= {name.replace("Data_", "Data."): value for name, value in changes.items()}
    with h5py.File(path, "w") as file:
        file.attrs.update({"Conventions": "SOFA", "SOFAConventions": "SingleRoomSRIR", "DataType": "FIR"})
        for name, value in variables.items():
            if value is not None:
                file[name] = value
                if name.endswith(("Position", "View")):
                    file[name].attrs["Type"] = types.get(name, "cartesian")
    return path


@pytest.mark.parametrize(("norm", "rate"), [(1.0, 48_000), (np.sqrt(3), 48_000), (1.0, 24_000)])
def test_ambisonic_responses_become_those_of_a_simulated_room(tmp_path: Path, norm: float, rate: int) -> None:
    places = np.concatenate([circle(1.0, 72), circle(1.6, 90, 10)])
    responses = room_responses(places, tail=0.01, late=37) * np.array([1, norm, norm, norm])[:, None] * 0.003
    if rate != RATE:
        responses = np.stack([soxr.resample(response.T, RATE, rate).T for response in responses])
    path = write_sofa(tmp_path / "a.sofa", responses, places, Data_SamplingRate=np.array([float(rate)]))
    part = read_room(path)
    assert len(part.rirs) == len(places)
    for rir, place, onset in zip(part.rirs, part.position, part.onset if part.onset is not None else (), strict=True):
        distance = np.linalg.norm(place)
        assert onset == pytest.approx(distance / 343 * 24_000, abs=1.5)
        w, y, x = rir.astype(float).T[:, onset - 8 : onset + 9] / SCALE
        assert np.linalg.norm(w) * distance == pytest.approx(1.0, rel=0.1)
        assert np.sum(w * y) / np.sum(w * w) == pytest.approx(place[1] / distance, abs=0.1)
        assert np.sum(w * x) / np.sum(w * w) == pytest.approx(place[0] / distance, abs=0.1)
    assert part.room.rt60 == pytest.approx(0.3, rel=0.25)
    assert part.room.microphone[2] == 1.4


def test_positions_that_follow_one_another_are_walks_as_in_tau_srir(tmp_path: Path) -> None:
    # Two circles of 5-degree steps at two heights, then places far apart.
    places = np.concatenate([circle(1.5, 5), circle(1.5, 5, up=0.4) * [1, -1, 1], circle(3.0, 120)])
    part = read_room(write_sofa(tmp_path / "a.sofa", room_responses(places), places))
    walks = [part.position[part.path == number] for number in range(part.path.max() + 1)]
    # Every other place of a circle, in two walks of 24 and 12 points.
    assert [len(walk) for walk in walks] == [24, 12, 24, 12]
    for walk in walks:
        steps = np.linalg.norm(np.diff(walk, axis=0), axis=1)
        assert steps == pytest.approx(np.full(len(walk) - 1, 0.2615), abs=0.001)
        assert np.ptp(walk[:, 2]) == 0
    assert np.sum(part.path < 0) == len(places) - sum(len(walk) for walk in walks)


def test_where_all_places_are_on_walks_they_are_single_places_too(tmp_path: Path) -> None:
    places = np.stack([np.full(8, 2.0), np.linspace(-1.4, 1.4, 8), np.zeros(8)], axis=1)
    part = read_room(write_sofa(tmp_path / "a.sofa", room_responses(places), places))
    assert np.sum(part.path < 0) == 8
    assert np.sum(part.path == 0) == 8


def test_a_single_microphone_gets_directions(tmp_path: Path) -> None:
    places = circle(2.0, 45)
    mono = room_responses(places, tail=0.1)[:, :1]
    path = write_sofa(tmp_path / "a.sofa", mono, places)
    part = read_room(path)
    rest = []
    for rir, place, onset in zip(part.rirs, part.position, part.onset if part.onset is not None else (), strict=True):
        w, y, x = rir.astype(float).T / SCALE
        direct = slice(onset - 4, onset + 5)
        found = np.degrees(np.arctan2(np.sum(w[direct] * y[direct]), np.sum(w[direct] * x[direct])))
        true = np.degrees(np.arctan2(place[1], place[0]))
        assert np.cos(np.radians(found - true)) > 0.99
        rest.append([np.sum(channel[onset + 200 : onset + 3000] ** 2) for channel in (w, y, x)])
    power = np.sum(rest, axis=0)
    assert power[1:] / power[0] == pytest.approx([1 / 3, 1 / 3], rel=0.2)
    again = read_room(path)
    assert all(np.array_equal(one, two) for one, two in zip(part.rirs, again.rirs, strict=True))


def test_coordinates_may_be_spherical_and_the_listener_turned(tmp_path: Path) -> None:
    places = circle(2.0, 60, 30)
    responses = room_responses(places)
    # The listener looks along the room's y axis, from another place.
    room_axes = np.stack([-places[:, 1], places[:, 0], places[:, 2]], axis=1)
    origin = np.array([1.0, 2.0, 1.2])
    turned = write_sofa(
        tmp_path / "turned.sofa", responses, places,
        ListenerPosition=origin[None], ListenerView=np.array([[0.0, 1.0, 0.0]]), SourcePosition=room_axes + origin,
    )  # fmt: skip
    polar = np.stack([np.degrees(np.arctan2(places[:, 1], places[:, 0])), np.zeros(6), np.full(6, 2.0)], axis=1)
    spherical = write_sofa(
        tmp_path / "spherical.sofa", responses, places, ListenerPosition=np.zeros((1, 3)), SourcePosition=polar,
        types={"SourcePosition": "spherical"},
    )  # fmt: skip
    for path in (turned, spherical):
        assert read_room(path).position == pytest.approx(places, abs=1e-5)


def test_several_loudspeakers_at_once_and_delays(tmp_path: Path) -> None:
    places = circle(2.0, 90)
    responses = room_responses(places)
    several = write_sofa(
        tmp_path / "a.sofa", np.moveaxis(responses, 0, -1)[None], places,
        SourcePosition=np.zeros((1, 3)), ListenerPosition=np.zeros((1, 3)), EmitterPosition=places[..., None],
    )  # fmt: skip
    part = read_room(several)
    assert part.position == pytest.approx(places, abs=1e-5)
    early = write_sofa(
        tmp_path / "b.sofa", responses[..., 100:], places, Data_Delay=np.full((1, 4), 100.0)
    )  # fmt: skip
    again = read_room(early)
    assert part.onset is not None
    assert np.array_equal(part.onset, again.onset)


def test_pools_are_cached_by_content_and_mapped(tmp_path: Path) -> None:
    places = circle(2.0, 30)
    for name in "ab":
        write_sofa(tmp_path / f"{name}.sofa", room_responses(places), places)
    said: list[tuple[int, int]] = []
    folder = measured_pool(tmp_path, tmp_path / "cache", lambda *numbers: said.append(numbers))
    assert said == [(1, 2), (2, 2)]
    assert measured_pool(tmp_path, tmp_path / "cache", lambda *numbers: said.append(numbers)) == folder
    assert len(said) == 2
    pool = RirPool.load(folder)
    assert isinstance(pool.samples, np.memmap)
    assert len(pool.rooms) == 2
    assert pool.name == folder.name
    write_sofa(tmp_path / "b.sofa", room_responses(places * 1.5), places * 1.5)
    assert measured_pool(tmp_path, tmp_path / "cache") != folder


def test_scenes_in_measured_rooms(tmp_path: Path, bank: SoundBank) -> None:
    places = np.concatenate([circle(1.5, 10), circle(2.2, 40, 5)])
    write_sofa(tmp_path / "a.sofa", room_responses(places), places)
    pool = RirPool.load(measured_pool(tmp_path / "a.sofa", tmp_path / "cache"))
    synthesizer = Synthesizer(bank, pool, SceneConfig(moving_probability=0.5))
    scenes = [synthesizer.scene(seed) for seed in np.random.SeedSequence(5).spawn(8)]
    assert any(len(event.rirs) > 1 for scene in scenes for event in scene.recipe.events)
    assert all(scene.recipe.pool == pool.name for scene in scenes)
    assert all(np.abs(scene.audio).max() > 0.05 for scene in scenes)


@pytest.mark.parametrize("azimuth", [60, -30])
def test_other_microphones_hear_measured_rooms(tmp_path: Path, azimuth: float) -> None:
    places = circle(2.0, 30)
    write_sofa(tmp_path / "a.sofa", room_responses(places, tail=1e-4), places)
    pool = RirPool.load(measured_pool(tmp_path / "a.sofa", tmp_path / "cache"))
    index = int(np.argmin(np.abs(np.degrees(np.arctan2(*pool.position.T[1::-1])) - azimuth)))
    mid, side = capture_rir(microphone_called("ortf"), pool, index, 0.0)
    left, right = (np.fft.rfft(wave[:2000], 4000) for wave in (mid + side, mid - side))
    lags = np.fft.irfft(right * np.conj(left), 64_000)
    lag = int(np.argmax(lags))
    seconds = (lag if lag < 32_000 else lag - 64_000) / 16 / 24_000
    assert seconds == pytest.approx(0.17 * np.sin(np.radians(azimuth)) / 343, abs=3e-6)


def test_says_what_is_wrong(tmp_path: Path) -> None:
    places = circle(2.0, 60, 20)
    good = room_responses(places)
    with pytest.raises(BankError, match="do not come from"):
        read_room(write_sofa(tmp_path / "swapped.sofa", good[:, [0, 3, 2, 1]], places))
    with pytest.raises(BankError, match="binaural"):
        read_room(write_sofa(tmp_path / "ears.sofa", good[:, :2], places))
    types = {"ReceiverPosition": "spherical harmonics"}
    with pytest.raises(BankError, match="ambisonic channels"):
        read_room(write_sofa(tmp_path / "three.sofa", good[:, :3], places, types=types))
    with pytest.raises(BankError, match="SourcePosition"):
        read_room(write_sofa(tmp_path / "nowhere.sofa", good, places, SourcePosition=None))
    with pytest.raises(BankError, match="5 cm"):
        read_room(write_sofa(tmp_path / "near.sofa", good, places, SourcePosition=np.array([[0.0, 0.0, 1.4]])))
    silent = good.copy()
    silent[2] = 0
    with pytest.raises(BankError, match="response 2 is silent"):
        read_room(write_sofa(tmp_path / "silent.sofa", silent, places))
    (tmp_path / "junk.sofa").write_bytes(b"junk" * 100)
    with pytest.raises(BankError, match=r"junk\.sofa"):
        read_room(tmp_path / "junk.sofa")
    with pytest.raises(BankError, match="no SOFA files"):
        measured_pool(tmp_path / "missing", tmp_path / "cache")


def spherical(places: np.ndarray, angle: float = 180 / np.pi, length: float = 1.0) -> np.ndarray:
    """Azimuth, elevation and distance of places, so many units a radian and a metre."""
    away = np.linalg.norm(places, axis=1)
    azimuth, elevation = np.arctan2(places[:, 1], places[:, 0]), np.arcsin(places[:, 2] / away)
    return np.stack([azimuth * angle, elevation * angle, away * length], axis=1)


def with_units(path: Path, **units: str) -> Path:
    with h5py.File(path, "r+") as file:
        for name, unit in units.items():
            file[name.replace("Data_", "Data.")].attrs["Units"] = unit
    return path


PLACES = np.concatenate([circle(1.3, 60), circle(2.2, 90, 20, up=0.5)])
ORIGIN = np.zeros((1, 3))


@pytest.mark.parametrize(
    ("angle", "length", "units"),
    [
        (180 / np.pi, 1.0, "degree, degree, metre"),
        (1.0, 1.0, "radian, radian, metre"),
        (1.0, 100.0, "Radians,radians,centimetres"),
        (180 / np.pi, 1000.0, "degrees degrees mm"),
        (180 / np.pi, 1.0, None),
    ],
)
def test_spherical_places_are_read_in_their_units(
    tmp_path: Path, angle: float, length: float, units: str | None
) -> None:
    path = write_sofa(
        tmp_path / "a.sofa", room_responses(PLACES)[:, :1], PLACES, ListenerPosition=ORIGIN,
        SourcePosition=spherical(PLACES, angle, length), types={"SourcePosition": "spherical"},
    )  # fmt: skip
    if units:
        with_units(path, SourcePosition=units)
    with open_sofa(path) as sofa:
        assert sofa.position == pytest.approx(PLACES, abs=1e-9)


@pytest.mark.parametrize(("factor", "units"), [(100.0, "centimetre"), (1000.0, "mm, mm, mm"), (1.0, "meters")])
def test_cartesian_places_are_read_in_their_units(tmp_path: Path, factor: float, units: str) -> None:
    path = write_sofa(
        tmp_path / "a.sofa", room_responses(PLACES), PLACES, SourcePosition=(PLACES + np.array([0, 0, 1.4])) * factor,
        ListenerPosition=np.array([[0, 0, 1.4]]) * factor,
    )  # fmt: skip
    with open_sofa(with_units(path, SourcePosition=units, ListenerPosition=units)) as sofa:
        assert sofa.position == pytest.approx(PLACES, abs=1e-9)
        assert sofa.listener_height == pytest.approx(1.4)


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


@pytest.mark.parametrize(("value", "unit"), [(48.0, "kilohertz"), (48_000.0, "hertz"), (48.0, "kHz"), (48_000.0, "Hz")])
def test_rates_are_read_in_their_units(tmp_path: Path, value: float, unit: str) -> None:
    path = write_sofa(tmp_path / "a.sofa", room_responses(PLACES), PLACES, Data_SamplingRate=np.array([value]))
    with open_sofa(with_units(path, Data_SamplingRate=unit)) as sofa:
        assert sofa.rate == 48_000


def test_delays_may_be_seconds_and_of_each_channel(tmp_path: Path) -> None:
    responses = room_responses(PLACES)
    delay = np.array([[480.0, 480.0, 481.0, 480.0]])
    path = write_sofa(tmp_path / "a.sofa", responses, PLACES, Data_Delay=delay)
    with open_sofa(path) as sofa:
        first = sofa.response(0)
    assert np.array_equal(first[0, 480 : 480 + RATE // 2], responses[0, 0])
    assert np.array_equal(first[2, 481 : 481 + RATE // 2], responses[0, 2])
    with open_sofa(with_units(write_sofa(path, responses, PLACES, Data_Delay=delay / RATE), Data_Delay="second")) as it:
        assert np.array_equal(it.response(0), first)


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


def test_a_broken_room_of_several_is_named_and_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "rooms"
    (folder / "sub").mkdir(parents=True)
    good = room_responses(PLACES)
    write_sofa(folder / "a.sofa", good, PLACES)
    write_sofa(folder / "b.SOFA", good[::-1], PLACES[::-1])
    bad = good.copy()
    bad[3, 1, 50] = np.nan
    write_sofa(folder / "sub" / "nan.sofa", bad, PLACES)
    (folder / "sub" / "junk.sofa").write_bytes(b"junk" * 100)
    pool = measured_pool(folder, tmp_path / "cache")
    assert len(RirPool.load(pool).rooms) == 2
    said = left_out(pool)
    assert said is not None
    assert ["junk.sofa" in why or "nan.sofa" in why for why in said] == [True, True]


def test_pools_made_before_units_were_read_are_made_anew(tmp_path: Path) -> None:
    path = write_sofa(tmp_path / "a.sofa", room_responses(PLACES), PLACES)
    pool = measured_pool(path, tmp_path / "cache")
    described = json.loads((pool / "rooms.json").read_text())
    del described["left_out"]
    (pool / "rooms.json").write_text(json.dumps(described))
    assert left_out(measured_pool(path, tmp_path / "cache")) == []
