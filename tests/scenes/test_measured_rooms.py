from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soxr

from earwitness.core.errors import BankError
from earwitness.scenes import RirPool, SceneConfig, SoundBank, Synthesizer
from earwitness.scenes.acoustics.measured_rooms import measured_pool, read_room
from earwitness.scenes.acoustics.microphone_response import capture_rir
from earwitness.scenes.acoustics.microphones import microphone_called
from earwitness.scenes.acoustics.rir_files import SCALE, left_out
from sofa_files import PLACES, RATE, circle, room_responses, write_sofa


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
