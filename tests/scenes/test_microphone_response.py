from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import csd, welch

from earwitness.scenes import RirPool, SceneConfig, Synthesizer
from earwitness.scenes.acoustics.microphone_response import capture_bed, capture_rir, direct_part
from earwitness.scenes.acoustics.microphones import MICROPHONES, microphone_called
from earwitness.scenes.acoustics.rooms import Room, simulate
from earwitness.scenes.renderer import SceneRenderer

Pools = Callable[..., RirPool]
NAMES = sorted(MICROPHONES)
UP = 16


def heard(name: str, pool: RirPool, index: int = 0, view_deg: float = 0.0) -> np.ndarray:
    mid, side = capture_rir(microphone_called(name), pool, index, view_deg)
    return np.stack([mid + side, mid - side]).astype(float)


def at(azimuth: float, distance: float = 3.0) -> tuple[float, float, float]:
    return float(distance * np.cos(np.radians(azimuth))), float(distance * np.sin(np.radians(azimuth))), 0.0


def upsampled(wave: np.ndarray) -> np.ndarray:
    return np.fft.irfft(np.fft.rfft(wave), wave.size * UP) * UP


def lead_of_left(stereo: np.ndarray) -> float:
    """Seconds by which the left channel comes before the right one, by cross-correlation."""
    left, right = (np.fft.rfft(upsampled(channel), 2 * UP * channel.size) for channel in stereo)
    lags = np.fft.irfft(right * np.conj(left))
    lag = int(np.argmax(lags))
    return float((lag if lag < lags.size // 2 else lag - lags.size) / (UP * 24_000))


def level_difference(stereo: np.ndarray) -> float:
    return float(20 * np.log10(np.linalg.norm(stereo[0]) / np.linalg.norm(stereo[1])))


@pytest.mark.parametrize("azimuth", [70, 30, 0, -45])
def test_coincident_pairs_differ_in_level_as_their_patterns_say_and_not_in_time(
    free_field: Pools, azimuth: float
) -> None:
    a = np.radians(azimuth)
    gains = {
        "dcase": (1 + np.sin(a), 1 - np.sin(a)),
        "xy": (1 + np.cos(a - np.pi / 4), 1 + np.cos(a + np.pi / 4)),
        "ms": (1 + np.cos(a) + np.sin(a), 1 + np.cos(a) - np.sin(a)),
    }
    for name, (left, right) in gains.items():
        stereo = heard(name, free_field(at(azimuth)))
        assert level_difference(stereo) == pytest.approx(20 * np.log10(left / right), abs=0.1), name
        assert lead_of_left(stereo) == 0


@pytest.mark.parametrize(("name", "spacing", "tolerance"), [("ortf", 0.17, 0.4), ("phone", 0.14, 0.1)])
@pytest.mark.parametrize("azimuth", [80, 30, -15, 100])
def test_spaced_pairs_differ_in_time_by_their_spacing(
    free_field: Pools, name: str, spacing: float, tolerance: float, azimuth: float
) -> None:
    stereo = heard(name, free_field(at(azimuth)))
    expected = spacing * np.sin(np.radians(azimuth)) / 343
    assert lead_of_left(stereo) == pytest.approx(expected, abs=1.1 / (UP * 24_000) + 0.01 * abs(expected))
    a, turn = np.radians(azimuth), np.radians(55)
    left, right = (1 + np.cos(a - turn), 1 + np.cos(a + turn)) if name == "ortf" else (1, 1)
    nearer = 20 * np.log10((3 + spacing / 2 * np.sin(a)) / (3 - spacing / 2 * np.sin(a)))
    assert level_difference(stereo) == pytest.approx(20 * np.log10(left / right) + nearer, abs=tolerance)


def test_head_shadows_high_tones_and_delays_by_its_circumference(free_field: Pools) -> None:
    stereo = heard("head", free_field(at(90)))
    # Woodworth: the far ear hears by way of a quarter of the circumference and the radius.
    assert lead_of_left(stereo) == pytest.approx(0.0875 / 343 * (np.pi / 2 + 1), rel=0.05)
    spectra = np.abs(np.fft.rfft(stereo, 2048, axis=1))
    frequency = np.fft.rfftfreq(2048, 1 / 24_000)
    difference = 20 * np.log10(spectra[0] / spectra[1])
    low, high = difference[(frequency > 150) & (frequency < 300)], difference[(frequency > 3000) & (frequency < 8000)]
    assert low.mean() < 2
    assert high.mean() > 8


@pytest.mark.parametrize("name", NAMES)
def test_sound_arrives_when_and_as_loud_as_its_distance_says(free_field: Pools, name: str) -> None:
    distances = (1.0, 2.0, 4.0, 8.0)
    pool = free_field(*((distance, 0.0, 0.0) for distance in distances))
    loud = []
    for index, distance in enumerate(distances):
        mid = heard(name, pool, index).mean(axis=0)
        arrival = float(np.argmax(np.abs(upsampled(mid)))) / (UP * 24_000)
        # RIRs are kept with whole samples of delay; ears sit behind the middle of the head.
        slack = {"head": 0.3e-3, "ortf": 5e-6, "phone": 5e-6}.get(name, 0.51 / 24_000)
        way = np.hypot(distance, MICROPHONES[name].spacing / 2) if name in ("ortf", "phone") else distance
        assert arrival == pytest.approx(way / 343, abs=slack)
        loud.append(np.sqrt(np.sum(mid**2)))
    assert 20 * np.log10(np.array(loud[:-1]) / loud[1:]) == pytest.approx([6.02] * 3, abs=0.5)


@pytest.mark.parametrize("name", NAMES)
def test_turning_the_microphone_is_moving_the_source(free_field: Pools, name: str) -> None:
    turned = heard(name, free_field(at(20)), view_deg=40.0)
    moved = heard(name, free_field(at(60)))
    assert np.abs(turned - moved).max() < 2e-3


@pytest.mark.parametrize("name", NAMES)
def test_diffuse_bed_is_as_coherent_as_the_model_says(name: str) -> None:
    rng = np.random.default_rng(0)
    bed = rng.standard_normal((2, 480_000)).astype(np.float32) * np.sqrt([[1.0], [1 / 3]]).astype(np.float32)
    mid, side = capture_bed(microphone_called(name), bed)
    left, right = mid + side, mid - side
    frequency, cross = csd(left, right, 24_000, nperseg=512)
    coherence = cross.real / np.sqrt(welch(left, 24_000, nperseg=512)[1] * welch(right, 24_000, nperseg=512)[1])
    band = (frequency > 300) & (frequency < 6000)
    if name == "phone":
        expected = np.sinc(2 * frequency * 0.14 / 343)
    elif name == "dcase":
        expected = np.full(frequency.size, 0.5)
    elif name == "xy":
        expected = np.full(frequency.size, 0.75)
    elif name == "ms":
        expected = np.full(frequency.size, (1 / 3 - 1 / 12) / (1 / 3 + 1 / 12))
    else:
        assert np.abs(coherence[(frequency > 2500) & (frequency < 6000)]).max() < 0.3
        assert coherence[1] > 0.6
        return
    assert np.abs(coherence - expected)[band].max() < 0.1


def test_cardioids_hear_less_of_the_room_than_omnidirectional_microphones() -> None:
    pytest.importorskip("pyroomacoustics")
    room = Room((9.0, 7.0, 3.5), 0.6, (1.0,) * 7, (4.0, 3.5, 1.5))
    place = np.array([[1.5, 0.0, 0.0]])
    (rir,) = simulate(room, place + room.microphone, np.random.default_rng(1))
    pool = RirPool(
        (rir.T * 32).astype(np.float16), np.array([0, rir.shape[1]]), np.zeros(1, np.int32), np.full(1, -1, np.int32),
        place.astype(np.float32), (room,),
    )  # fmt: skip
    ratio = {}
    for name in NAMES:
        mid = heard(name, pool).mean(axis=0)
        direct = slice(0, round(1.5 / 343 * 24_000) + 40)
        rest = slice(2400, None)
        ratio[name] = 10 * np.log10(np.sum(mid[direct] ** 2) / np.sum(mid[rest] ** 2))
    # A cardioid's directivity factor is 3 (4.8 dB), and dcase's mid is omnidirectional.
    assert ratio["ms"] - ratio["dcase"] == pytest.approx(4.8, abs=1.0)
    assert ratio["phone"] - ratio["dcase"] == pytest.approx(2.0, abs=2.0)
    assert ratio["ortf"] > ratio["dcase"] + 3


@pytest.mark.parametrize("name", NAMES)
def test_mirrored_scene_is_the_scene_with_its_channels_swapped(
    mirrored: Pools, synthesizer: Synthesizer, name: str
) -> None:
    """Walls, walking sources and all: only the noise, which has no side, is left out."""
    config = SceneConfig(moving_probability=0.5, microphone=name)
    draft = Synthesizer(synthesizer.bank, synthesizer.pool, config).draft(np.random.SeedSequence(3))
    assert draft.microphone == name
    scene = SceneRenderer(synthesizer.bank, synthesizer.pool).render(draft, noise=False)
    turned = replace(draft, view_deg=-draft.view_deg)
    other = SceneRenderer(synthesizer.bank, mirrored(synthesizer.pool)).render(turned, noise=False)
    assert np.abs(scene.audio - other.audio[::-1]).max() < 1e-5
    assert np.abs(scene.audio[0] - scene.audio[1]).max() > 1e-3
    swapped = scene.labels.mirrored().with_columns(onscreen=other.labels.onscreen)
    assert swapped.same_as(other.labels)


@pytest.mark.parametrize("name", NAMES)
def test_recipes_can_be_heard_by_other_microphones(synthesizer: Synthesizer, name: str) -> None:
    recipe = synthesizer.draft(np.random.SeedSequence(7))
    plain, other = synthesizer.render(recipe), synthesizer.render(replace(recipe, microphone=name))
    assert other.labels.same_as(plain.labels)
    assert np.array_equal(plain.audio, other.audio) == (name == "dcase")
    assert np.isfinite(other.audio).all()


@pytest.mark.parametrize("name", NAMES)
def test_direct_part_keeps_what_a_free_field_has_and_leaves_out_what_comes_later(free_field: Pools, name: str) -> None:
    pool = free_field(at(50))
    rir = capture_rir(microphone_called(name), pool, 0, 0.0)
    direct = direct_part(rir, pool.arrival(0))
    size = direct.shape[1]
    assert np.square(direct).sum() > 0.99 * np.square(rir).sum()
    assert size < pool.arrival(0) + 0.0031 * 24_000
    late = np.pad(rir, ((0, 0), (200, 0)))[:, : rir.shape[1]]
    np.testing.assert_allclose(
        direct_part(rir + late, pool.arrival(0))[:, : size - 12], direct[:, : size - 12], atol=1e-3
    )
    assert direct_part(rir[:, :10], pool.arrival(0)).shape == (2, 10)
