"""Units of the variables of SOFA files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.scenes.acoustics.sofa import open_sofa
from sofa_files import ORIGIN, PLACES, RATE, room_responses, spherical, with_units, write_sofa


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
