import numpy as np
import pytest
from pydantic import ValidationError

from earwitness.detect.model.calibration import AnySound, Calibration, logit
from earwitness.detect.model.card import ModelCard


def output(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    fields = rng.uniform(-0.6, 0.6, (7, 3, 13, 4)).astype(np.float32)
    fields[..., 2] = rng.uniform(0.3, 5, fields.shape[:-1])
    fields[..., 3] = rng.uniform(0, 1, fields.shape[:-1])
    return fields


def test_by_default_nothing_changes():
    fields = output()
    assert Calibration().apply(fields) is fields
    np.testing.assert_allclose(Calibration().probability(np.full((2, 13), 0.3)), 0.3)


def test_lengths_become_probabilities_and_directions_stay():
    fields = output()
    calibration = Calibration(slope=(0.5,) * 13, offset=tuple(np.linspace(-2, 2, 13)), distance=0.8)
    changed = calibration.apply(fields)
    before, after = (np.hypot(each[..., 0], each[..., 1]) for each in (fields, changed))
    expected = 1 / (1 + np.exp(-(0.5 * logit(before) + np.linspace(-2, 2, 13))))
    np.testing.assert_allclose(after, expected, rtol=1e-4)
    np.testing.assert_allclose(
        np.arctan2(changed[..., 1], changed[..., 0]), np.arctan2(fields[..., 1], fields[..., 0]), atol=1e-5
    )
    np.testing.assert_allclose(changed[..., 2], 0.8 * fields[..., 2], rtol=1e-6)
    np.testing.assert_array_equal(changed[..., 3], fields[..., 3])


def test_the_order_of_activities_stays():
    activity = np.repeat(np.linspace(0, 1, 101)[:, None], 13, axis=1)
    probability = Calibration(slope=(0.3,) * 13, offset=(-1.0,) * 13).probability(activity)
    assert np.all(np.diff(probability[1:-1], axis=0) > 0)
    assert np.all((probability > 0) & (probability < 1))


def test_silence_and_long_vectors_stay_finite():
    fields = np.zeros((1, 3, 13, 4), np.float32)
    fields[0, 1, :, 0] = 1.4  # activities of unbounded networks can exceed 1
    changed = Calibration(slope=(2.0,) * 13).apply(fields)
    assert np.isfinite(changed).all()
    assert changed[0, 1, :, 0] == pytest.approx(1.0, abs=1e-3)
    assert not changed[0, 0, :, :2].any()


def test_refuses_what_is_not_monotone_or_not_whole():
    with pytest.raises(ValidationError, match="slope"):
        Calibration(slope=(1.0,) * 12 + (0.0,))
    with pytest.raises(ValidationError, match="offset"):
        Calibration(offset=(0.0,) * 12)


def test_a_card_carries_it():
    calibration = Calibration(slope=(0.7,) * 13)
    card = ModelCard(name="m", features={}, model={}, thresholds=(0.5,) * 13, calibration=calibration)
    assert ModelCard.model_validate_json(card.model_dump_json()).calibration == calibration
    assert ModelCard(name="m", features={}, model={}, thresholds=(0.5,) * 13).calibration == Calibration()


def test_directions_are_turned_alike_on_both_sides():
    angles = (0.0, 6.0, 13.0, 20.0, 29.0, 39.0, 50.0, 62.0, 76.0, 90.0)
    said = np.array([-90.0, -40.0, 0.0, 15.0, 40.0, 85.0])
    fields = np.zeros((6, 3, 13, 4), np.float32)
    fields[..., 0] = 0.5 * np.cos(np.radians(said))[:, None, None]
    fields[..., 1] = 0.5 * np.sin(np.radians(said))[:, None, None]
    changed = Calibration(azimuth=angles).apply(fields)
    turned = np.degrees(np.arctan2(changed[:, 0, 0, 1], changed[:, 0, 0, 0]))
    np.testing.assert_allclose(turned, [-90, -29, 0, 9.5, 29, 83], atol=1e-3)
    np.testing.assert_allclose(np.hypot(changed[..., 0], changed[..., 1]), 0.5, rtol=1e-4)
    assert not np.signbit(fields[5, 0, 0, 1])  # what came in stays as it was


@pytest.mark.parametrize("angles", [(1.0, *range(10, 91, 10)), (*range(0, 81, 10), 95.0), (0.0,) * 10, (0.0, 10.0)])
def test_maps_of_the_azimuth_rise_from_ahead_to_the_side(angles):
    with pytest.raises(ValidationError, match="azimuth"):
        Calibration(azimuth=tuple(map(float, angles)))


def test_the_class_free_track_becomes_a_probability() -> None:
    steps = (0.1, 0.1, 0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    known = AnySound(probability=steps)
    np.testing.assert_allclose(known.of(np.array([0.0, 0.25, 0.95, 1.4])), [0.1, 0.15, 0.75, 0.8], atol=1e-6)
    with pytest.raises(ValidationError, match="must not fall"):
        AnySound(probability=steps[::-1])


def test_doubts_grow_with_what_the_tagger_says_and_fall_with_the_score() -> None:
    known = AnySound()
    assert known.doubts(0.3, 0.9)
    assert known.doubts(0.0, 0.9)
    assert not known.doubts(0.9, 0.9)
    assert not known.doubts(1.0, 1.0)
    assert not known.doubts(0.5, 0.0)
