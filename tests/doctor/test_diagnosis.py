from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

import recordings
from earwitness.core.errors import NoAudioError, UnreadableMediaError
from earwitness.doctor.channel_stats import ChannelFigures, ChannelStats
from earwitness.doctor.diagnosis import Check, diagnose, judge, warnings_of
from earwitness.media.sound.wav import write_wav

RATE = 24_000
Burst = Callable[..., NDArray[np.float32]]


def noise(seconds: float, seed: int, scale: float = 0.1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(scale=scale, size=round(seconds * RATE))


def scene(seconds: float = 8.0, level: float = 1.0) -> NDArray[np.float32]:
    """Three sources at 50, 0 and -40 degrees, one after the other, in ambience: coincident cardioids."""
    times = np.arange(round(seconds * RATE)) / RATE
    ambience = noise(seconds, 1, 0.004)
    side = noise(seconds, 2, 0.004) / np.sqrt(3)
    stereo = np.stack([ambience + side, ambience - side])
    for index, azimuth in enumerate((50, 0, -40)):
        active = (times % 3 > index) & (times % 3 < index + 0.6)
        s = np.sin(np.radians(azimuth))
        stereo += np.array([[1 + s], [1 - s]]) * noise(seconds, 3 + index, 0.05) * active
    return (level * stereo).astype(np.float32)


def spaced(milliseconds: float, seconds: float = 8.0) -> NDArray[np.float32]:
    """The same sources at two microphones apart: +, 0 and - that time difference."""
    times = np.arange(round(seconds * RATE)) / RATE
    lag = round(milliseconds / 1000 * RATE)
    stereo = np.stack([noise(seconds, 1, 0.004), noise(seconds, 2, 0.004)])
    for index, shift in enumerate((lag, 0, -lag)):
        active = (times % 3 > index) & (times % 3 < index + 0.6)
        sound = noise(seconds, 3 + index, 0.05) * active
        stereo += np.stack([sound, np.roll(sound, shift)])
    return stereo.astype(np.float32)


def figures(stereo: NDArray[np.floating], rate: int = RATE) -> ChannelFigures:
    stats = ChannelStats(rate)
    stats.add(np.asarray(stereo, np.float32))
    return stats.figures()


def checks(stereo: NDArray[np.floating], rate: int = RATE) -> dict[str, Check]:
    return {check.name: check for check in judge(figures(stereo, rate))}


def complaints(stereo: NDArray[np.floating], rate: int = RATE) -> dict[str, str]:
    return {name: check.verdict for name, check in checks(stereo, rate).items() if check.verdict != "ok"}


def test_a_good_recording_passes_every_check() -> None:
    found = checks(scene())
    assert {check.verdict for check in found.values()} == {"ok"}
    assert set(found) == {
        "level", "stereo", "channels", "phase", "delay", "spacing", "balance", "clipping", "bandwidth"
    }  # fmt: skip


def test_the_figures_are_right() -> None:
    found = figures(scene())
    assert found.seconds == 8.0
    assert found.balance_db == pytest.approx(1.0, abs=1.0)
    assert found.ambience_db == pytest.approx(0.0, abs=1.0)
    assert found.bandwidth_hz > 11_900
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    assert figures(np.stack([tone, tone / 10])).balance_db == pytest.approx(20, abs=0.01)
    assert figures(np.stack([tone, tone])).level_db == pytest.approx(-3.01, abs=0.01)
    assert figures(np.stack([tone, tone / 3])).side_mid_db == pytest.approx(20 * np.log10(0.5), abs=0.01)
    assert figures(np.stack([tone, -tone])).correlation == pytest.approx(-1)


@settings(deadline=None, max_examples=15)
@given(cuts=st.lists(st.integers(0, 8 * RATE), max_size=12))
def test_the_figures_do_not_depend_on_the_blocks(cuts: list[int]) -> None:
    sound, stats = scene(), ChannelStats(RATE)
    for part in np.split(sound, sorted(cuts), axis=1):
        stats.add(part)
    whole, parts = figures(sound), stats.figures()
    expected, found = ({**asdict(one), **asdict(one.onsets)} for one in (whole, parts))
    for name in expected.keys() - {"onsets"}:
        assert found[name] == pytest.approx(expected[name], rel=1e-4, abs=1e-6), name


def test_dual_mono() -> None:
    found = checks(np.repeat(scene()[:1], 2, axis=0))
    assert found["stereo"].verdict == "unfit"
    assert found["stereo"].sentence.startswith("Dual mono")
    assert "spacing" not in found


@pytest.mark.parametrize(("width", "verdict"), [(0.02, "unfit"), (0.1, "caution"), (1.0, "ok")])
def test_near_mono(width: float, verdict: str) -> None:
    sound = scene()
    mid, side = sound.mean(axis=0), (sound[0] - sound[1]) / 2 * width
    assert checks(np.stack([mid + side, mid - side]))["stereo"].verdict == verdict


@pytest.mark.parametrize("milliseconds", [0.1, 0.3, 0.8])
def test_spaced_microphones(milliseconds: float) -> None:
    spacing = checks(spaced(milliseconds))["spacing"]
    assert spacing.verdict == "unfit"
    assert f"{round(milliseconds / 1000 * RATE) / RATE * 1000:.2f}" in spacing.sentence
    assert checks(spaced(0))["spacing"].verdict == "ok"


@pytest.mark.parametrize("samples", [5, -48, 500])
def test_a_delayed_channel(samples: int) -> None:
    sound = scene()
    delay = checks(np.stack([sound[0], np.roll(sound[1], samples)]))["delay"]
    assert delay.verdict == "unfit"
    assert delay.value == pytest.approx(samples / RATE * 1000, abs=0.02)
    assert f"The {'right' if samples > 0 else 'left'} channel lags" in delay.sentence


def test_an_inverted_channel() -> None:
    assert complaints(scene() * np.array([[1], [-1]]))["phase"] == "unfit"


@pytest.mark.parametrize(("gain_db", "verdict"), [(-3, "ok"), (-12, "caution")])
def test_imbalance_is_measured_on_the_ambience(gain_db: float, verdict: str) -> None:
    sound = scene() * np.array([[1], [10 ** (gain_db / 20)]])
    assert checks(sound)["balance"].verdict == verdict
    assert checks(sound)["balance"].value == pytest.approx(-gain_db, abs=1)


def test_one_loud_source_on_the_left_is_no_imbalance(make_burst: Burst) -> None:
    assert "balance" not in complaints(make_burst(8, (1, 3, 75), (4, 6, 75)))


def test_a_dead_channel() -> None:
    sound = scene()
    sound[1] *= 1e-4
    channels = checks(sound)["channels"]
    assert channels.verdict == "unfit"
    assert "right channel" in channels.sentence


@pytest.mark.parametrize(("gain", "verdict"), [(1, "ok"), (10, "caution"), (60, "unfit")])
def test_clipping(gain: float, verdict: str) -> None:
    clipped = np.clip(scene() * gain, -1, 1)
    assert checks(clipped)["clipping"].verdict == verdict
    turned_down = np.clip(scene() * gain, -1, 1) * 0.7  # flat tops below full scale
    assert checks(turned_down)["clipping"].verdict == verdict


def test_a_square_wave_of_a_game_is_not_called_clipped_when_soft() -> None:
    square = 0.3 * np.sign(np.sin(2 * np.pi * 440 * np.arange(4 * RATE) / RATE))
    assert "clipping" not in complaints(np.stack([square, 0.5 * square]))


@pytest.mark.parametrize("fault", [recordings.reverberated, recordings.comb, recordings.bands_apart])
def test_mono_made_wider_is_named(fault: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
    assert "effect" not in checks(recordings.honest())
    found = checks(fault(recordings.honest()))
    assert found["effect"].verdict == "unfit"
    assert found["effect"].sentence.startswith("Pseudo-stereo")


def test_one_channel_filtered_a_little_is_no_effect() -> None:
    darker = sosfilt(butter(1, 9000, fs=RATE, output="sos"), recordings.honest()[1])
    assert "effect" not in checks(np.stack([recordings.honest()[0], darker]))


@pytest.mark.parametrize("seconds", [0.015, 0.3])
def test_channels_far_apart_in_time(seconds: float) -> None:
    delay = checks(recordings.late(seconds)(recordings.honest()))["delay"]
    assert delay.verdict == "unfit"
    assert delay.value == pytest.approx(1000 * seconds, abs=0.1)


def test_channels_that_have_nothing_to_do_with_each_other() -> None:
    found = checks(np.stack([recordings.honest()[0], recordings.noise(12, 99, 0.05)]))
    assert found["effect"].verdict == "unfit"
    assert "unrelated" in found["effect"].sentence


def test_an_imbalance_that_turns_sides() -> None:
    assert "balance" not in complaints(recordings.honest())
    quieter = recordings.honest() * np.array([[1], [10 ** (-5.9 / 20)]])
    (said,) = warnings_of(list(checks(quieter).values()))
    assert "5.9 dB louder on the left" in said or "6.0 dB louder on the left" in said


def test_dialogue_in_the_middle_of_stereo_music_and_hard_panned_dialogue_are_fit() -> None:
    music = recordings.honest(azimuths=(60, -60, 30, -30))
    times = np.arange(music.shape[1]) / RATE
    voice = recordings.noise(12, 70, 0.05) * (times % 2 < 1.2)
    assert complaints(music + voice) == {}
    turns = np.stack([voice, recordings.noise(12, 71, 0.05) * (times % 2 > 1.3)])
    room = 0.2 * recordings.honest(azimuths=(60, -60))
    assert complaints(turns + room) == {}


def test_a_narrow_band() -> None:
    lowpass = butter(20, 3400, fs=RATE, output="sos")
    found = checks(sosfilt(lowpass, scene(), axis=1))["bandwidth"]
    assert found.verdict == "caution"
    assert 3300 < found.value < 5500


@pytest.mark.parametrize(("level", "verdict"), [(1.0, "ok"), (0.005, "caution")])
def test_quiet_sound(level: float, verdict: str) -> None:
    assert checks(scene(level=level))["level"].verdict == verdict


def test_silence_is_one_finding() -> None:
    (check,) = judge(figures(np.zeros((2, RATE))))
    assert check.verdict == "unfit"
    (check,) = judge(figures(np.zeros((2, 0))))
    assert check.verdict == "unfit"


@pytest.mark.parametrize("rate", [8000, 44_100, 48_000, 96_000])
def test_other_rates(rate: int) -> None:
    white = np.random.default_rng(0).normal(scale=0.1, size=(2, 4 * rate))
    mid, side = white[0], 0.6 * white[1]
    assert set(complaints(np.stack([mid + side, mid - side]), rate)) <= {"bandwidth"}


def test_a_file_is_judged_at_its_own_rate(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    write_wav(path, scene(), RATE)
    diagnosis = diagnose(path)
    assert diagnosis.fit
    assert diagnosis.seconds == pytest.approx(8)
    assert diagnosis.media.path == path


def test_a_mono_file_is_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "mono.wav"
    write_wav(path, scene()[:1], RATE)
    diagnosis = diagnose(path)
    assert not diagnosis.fit
    assert any(check.sentence.startswith("Mono") for check in diagnosis.checks)


def test_files_that_cannot_be_heard(tmp_path: Path) -> None:
    from earwitness.media.writer import MediaWriter

    with pytest.raises(UnreadableMediaError):
        diagnose(tmp_path / "none.wav")
    with MediaWriter(tmp_path / "mute.mp4", 64, 48) as writer:
        for frame in range(5):
            writer.write_frame(np.zeros((48, 64, 3), np.uint8), frame / 25)
    with pytest.raises(NoAudioError):
        diagnose(tmp_path / "mute.mp4")


def test_sounds_on_one_side_after_the_other_are_fit() -> None:
    """One channel all but silent says nothing about the phases of both."""
    stereo = np.random.default_rng(0).normal(scale=1e-4, size=(2, 6 * RATE))
    for side, start in ((0, 1), (1, 3), (0, 4)):
        stereo[side, start * RATE : start * RATE + RATE // 2] += noise(0.5, start, 0.2)
    assert "effect" not in checks(stereo.astype(np.float32))


def test_dialogue_from_side_to_side_is_no_silent_channel() -> None:
    """Two voices panned hard, one after the other; and a channel that drops out once."""
    stereo = np.random.default_rng(0).normal(scale=1e-4, size=(2, 12 * RATE))
    for turn in range(6):
        stereo[turn % 2, turn * 2 * RATE : (turn * 2 + 2) * RATE] += noise(2, turn)
    assert "stretches" not in stretched(stereo)
    dropped = scene(12.0)
    dropped[0, 3 * RATE : 5 * RATE] = 0
    dropped[1, 8 * RATE : 10 * RATE] = 0
    assert "silent" in stretched(dropped)["stretches"]


@pytest.mark.parametrize("level", [1e-6, 1e3, 9e5])
def test_any_level_of_floats_can_be_judged(level: float) -> None:
    stereo = np.stack([noise(6, 0), np.zeros(6 * RATE)]) * level
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stretched(stereo)
        stretched(stereo[::-1])


def stretched(stereo: NDArray[np.floating]) -> dict[str, str]:
    stats = ChannelStats(RATE)
    stats.add(stereo.astype(np.float32))
    return {check.name: check.sentence for check in judge(stats.figures(), stretches=stats.stretches())}


def omnis(share: float = 1.0, seconds: float = 12.0) -> NDArray[np.float32]:
    """Bursts in rooms at omnidirectional microphones 14 cm apart: equal levels, other times, unrelated reverberation.

    Only a `share` of the bursts is strong enough for its time difference to be measured.
    """
    rng, count = np.random.default_rng(0), round(seconds * RATE)
    stereo = rng.normal(scale=0.002, size=(2, count))
    tail = rng.normal(size=(2, 12_000)) * 10 ** (-3 * np.arange(12_000) / 12_000)
    tail *= 0.9 / np.linalg.norm(tail, axis=1, keepdims=True)
    for number, start in enumerate(range(2000, count - 24_000, 18_000)):
        lag = (8, 0, -8)[number % 3] if rng.random() < share else 0
        burst = rng.normal(scale=0.05, size=7000)
        sound = np.zeros(count)
        sound[start : start + 7000] = burst
        wet = np.stack([np.convolve(burst, one) for one in tail])
        stereo += np.stack([sound, np.roll(sound, lag)])
        stereo[:, start + 240 : start + 240 + wet.shape[1]] += wet
    return stereo.astype(np.float32)


def test_microphones_that_differ_in_time_alone_are_not_an_effect() -> None:
    found = figures(omnis(0.5))
    assert 0.03 < found.spaced_share < 0.3
    told = {check.name: check for check in judge(found)}
    assert told["spacing"].verdict == "unfit"
    assert "Spaced microphones" in told["spacing"].sentence
    known = {check.name: check for check in judge(found, spaced_advice="It reaches a half.")}
    assert known["spacing"].verdict == "caution"
    assert "It reaches a half." in known["spacing"].sentence
    assert "effect" not in known
    assert not any(check.undirected for check in known.values())
    alike = {check.name: check for check in judge(figures(omnis(0.0)))}
    assert alike["effect"].undirected  # the same sound without time differences is mono with a reverberation
    assert alike["spacing"].verdict == "ok"
