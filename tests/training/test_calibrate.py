from types import SimpleNamespace

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import decode, encode, ideal_output
from earwitness.detect.model.calibration import Calibration
from earwitness.metrics import score_tables
from earwitness.metrics.curves import expected_calibration_error
from earwitness.training.export.calibrate import calibrate, cells, tune, tune_and_score, tune_and_score_outputs
from earwitness.training.loop.validate import ValidSet
from earwitness.training.recipe_sections import RunSpec


def overconfident(seed: int, scenes: int = 60) -> tuple[np.ndarray, list[EventTable]]:
    """Outputs whose log-odds are twice what the truth has, less 1, and whose distances are double."""
    rng = np.random.default_rng(seed)
    tables, outputs = [], []
    for _ in range(scenes):
        probability = rng.uniform(0.02, 0.98, (50, 13))
        sounds = rng.random((50, 13)) < probability
        frame, class_index = np.nonzero(sounds)
        distance = rng.uniform(0.5, 4, frame.size)
        table = EventTable.from_columns(
            frame=frame, class_index=class_index, azimuth=rng.uniform(-60, 60, frame.size), distance=distance,
            num_frames=50,
        )  # fmt: skip
        output = ideal_output(encode(table))
        output[~np.broadcast_to(sounds[:, None], output.shape[:3])] = [1, 0, 1, 0]
        length = 1 / (1 + np.exp(-2 * np.log(probability / (1 - probability)) + 1))
        output[..., :2] *= length[:, None, :, None].astype(np.float32)
        output[..., 2] *= 2
        tables.append(table)
        outputs.append(output)
    return np.stack(outputs), tables


def test_finds_the_map_back_to_probabilities():
    outputs, tables = overconfident(0)
    calibration = calibrate(outputs, tables)
    np.testing.assert_allclose(calibration.slope, 0.5, atol=0.06)
    np.testing.assert_allclose(calibration.offset, 0.5, atol=0.15)
    np.testing.assert_allclose(calibration.distance, 0.5, atol=0.01)
    fresh, truth = overconfident(1)
    before = expected_calibration_error(*cells(fresh, truth))
    after = expected_calibration_error(*cells(calibration.apply(fresh), truth))
    assert before > 0.1
    assert after < 0.02


def test_leaves_alone_what_it_knows_nothing_of():
    table = EventTable.from_columns(frame=[0], class_index=[3], azimuth=[0], distance=[1], num_frames=50)
    calibration = calibrate(ideal_output(encode(table))[None], [table])
    assert calibration == Calibration()


@pytest.mark.parametrize("gap", [0, 3])
def test_smoothing_follows_the_flicker_of_the_answers(gap):
    """True events of 20 frames; answers break off for `gap` frames, and false ones last 3 frames."""
    table = EventTable.from_columns(
        frame=list(range(10, 30)), class_index=[4] * 20, azimuth=[20] * 20, distance=[1] * 20, num_frames=50
    )
    output = ideal_output(encode(table)) * np.array([0.9, 0.9, 1, 1], np.float32)
    output[18 : 18 + gap, :, 4] = 0
    output[40:43, :, 4] = [0.9, 0, 1, 0]
    smoothing, thresholds = tune(np.stack([output] * 4), [table] * 4)
    assert smoothing.min_event_frames > 3
    assert smoothing.fill_gap_frames >= gap
    assert thresholds[4] < 0.9


def test_one_scene_tunes_and_scores_nothing_and_says_so():
    _, tables = overconfident(0, scenes=1)
    valid = ValidSet(np.zeros((1, 2, 250, 64), np.float16), tuple(tables))
    tuning = tune_and_score(None, valid)  # the network is not asked
    assert tuning.thresholds == (0.5,) * 13
    assert tuning.scores == {}
    assert tuning.calibration == Calibration()
    assert "only one scene" in tuning.limits[0]
    assert tune_and_score_outputs(np.zeros((1, 50, 3, 13, 4), np.float32), tables) == tuning


def test_finds_out_how_directions_are_bent_and_leaves_straight_ones():
    """Answers that are pulled outwards by up to 12 degrees, with noise, and some that belong to other sources."""
    rng = np.random.default_rng(3)
    tables, outputs, straight = [], [], []
    for _ in range(60):
        true = rng.uniform(-85, 85, 50)
        bent = true + 12 * np.sin(np.radians(2 * true)) + rng.normal(0, 4, 50)
        bent[rng.random(50) < 0.05] = 70.0
        columns = {"frame": np.arange(50), "class_index": 2, "distance": 1.0, "num_frames": 50}
        tables.append(EventTable.from_columns(azimuth=true, **columns))
        outputs.append(ideal_output(encode(EventTable.from_columns(azimuth=np.clip(bent, -90, 90), **columns))))
        straight.append(ideal_output(encode(tables[-1])))
    calibration = calibrate(np.stack(outputs), tables)
    said = np.arange(0, 91, 10)
    truth = np.interp(said, *(lambda t: (t + 12 * np.sin(np.radians(2 * t)), t))(np.linspace(0, 90, 400)))
    np.testing.assert_allclose(calibration.azimuth[:9], truth[:9], atol=2.5)
    assert np.all(np.diff(calibration.azimuth) > 0)
    turned = calibration.apply(np.stack(outputs))
    error = [np.abs(angle(each) - angle(np.stack(straight))) for each in (np.stack(outputs), turned)]
    assert np.median(error[1]) < 0.6 * np.median(error[0])
    np.testing.assert_allclose(calibrate(np.stack(straight), tables).azimuth, said, atol=0.5)


def angle(outputs: np.ndarray) -> np.ndarray:
    return np.degrees(np.arctan2(outputs[:, :, 0, 2, 1], outputs[:, :, 0, 2, 0]))


def test_calibrated_probabilities_add_up_to_what_happened():
    """At the maximum of the likelihood the mean probability of a class is its observed frequency."""
    outputs, tables = overconfident(2)
    probability, truth = cells(calibrate(outputs, tables).apply(outputs), tables)
    np.testing.assert_allclose(probability.mean(axis=0), truth.mean(axis=0), atol=1e-3)


def test_official_decoding_is_neither_tuned_nor_smoothed():
    outputs, tables = overconfident(0, scenes=3)
    valid = SimpleNamespace(references=tuple(tables), outputs=lambda net: outputs)
    tuning = tune_and_score(None, valid, RunSpec(decoding="official", thresholds=(0.5,)))
    assert (tuning.thresholds, tuning.calibration) == ((0.5,) * 13, Calibration())
    table = EventTable.from_columns(frame=[3, 5], class_index=[1, 1], azimuth=[0, 0], distance=[1, 1], num_frames=9)
    assert tuning.smoothing.apply(table).same_as(table)
    wanted = score_tables(tables, [decode(output, decoding="official") for output in outputs]).macro.f_score
    assert tuning.scores["synthetic/f_score"] == pytest.approx(wanted, abs=1e-4)
    assert tuning.scores["synthetic/scenes"] == 3
