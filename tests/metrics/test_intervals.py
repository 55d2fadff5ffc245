import numpy as np
import pytest
from scipy import stats

from earwitness.core.errors import LabelError
from earwitness.metrics import Protocol, Scores, bootstrap, count, jackknife
from earwitness.metrics.intervals import AVERAGES
from earwitness.metrics.scores import QUANTITIES


@pytest.fixture(scope="module")
def clips(random_clips):
    return random_clips(11, clips=9, rows=60)


def recounted(clips, chosen, protocol):
    _, references, predictions = clips
    part = [[column[i] for i in chosen] for column in (references, predictions)]
    return Scores.from_counts(count([f"{i}" for i in range(len(chosen))], *part, protocol), protocol)


def value(scores, average, name):
    return getattr(getattr(scores, average), name)


@pytest.mark.parametrize("protocol", Protocol)
def test_jackknife_equals_counting_again_without_each_file(clips, protocol):
    """The official formula: bias-corrected estimate +- t(n - 1) x standard error, from n rescans."""
    n = len(clips[0])
    intervals = jackknife(count(*clips, protocol), protocol)
    whole = recounted(clips, range(n), protocol)
    partial = [recounted(clips, [i for i in range(n) if i != left], protocol) for left in range(n)]
    for average in AVERAGES:
        for name in QUANTITIES:
            values = np.array([value(scores, average, name) for scores in partial])
            full = value(whole, average, name)
            error = np.sqrt((n - 1) / n * np.sum((values - values.mean()) ** 2))
            bias = (n - 1) * (values.mean() - full) if protocol is Protocol.DCASE2025 else 0.0
            reach = stats.t.ppf(0.975, n - 1) * error
            bounds = [full - bias - reach, full - bias + reach]
            if protocol is Protocol.STRICT:
                bounds = [max(bounds[0], 0), bounds[1] if "error" in name else min(bounds[1], 1)]
            got = intervals.of(average, name)
            assert [got.estimate, got.standard_error, got.low, got.high] == pytest.approx([full, error, *bounds])


def test_of_class(clips):
    intervals = jackknife(count(*clips), Protocol.STRICT)
    whole = recounted(clips, range(len(clips[0])), Protocol.STRICT)
    for average in ("macro", "macro_onscreen"):
        per_class = getattr(whole, average).per_class
        for name in QUANTITIES:
            for index in range(3):
                assert intervals.of_class(average, name, index).estimate == pytest.approx(
                    getattr(per_class, name)[index]
                )
    assert np.isnan(intervals.of_class("macro", "f_score", 12).low)


def test_bootstrap_equals_counting_drawn_files_again(clips):
    n, resamples = len(clips[0]), 70
    intervals = bootstrap(count(*clips), Protocol.STRICT, resamples=resamples, seed=3)
    random = np.random.default_rng(np.random.SeedSequence(3))
    drawn = np.concatenate([random.integers(n, size=(size, n)) for size in (64, 6)])
    values = [recounted(clips, row, Protocol.STRICT).macro.f_score for row in drawn]
    got = intervals.of("macro", "f_score")
    assert got.standard_error == pytest.approx(np.std(values, ddof=1))
    assert [got.low, got.high] == pytest.approx(np.quantile(values, [0.025, 0.975]).tolist())


def test_same_seed_same_interval(clips):
    counts = count(*clips)
    one, again, other = (bootstrap(counts, Protocol.STRICT, resamples=50, seed=seed).values for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other, equal_nan=True)


@pytest.mark.parametrize("method", [jackknife, bootstrap])
def test_paired_difference(clips, random_clips, method):
    names, references, predictions = clips
    ours = count(names, references, predictions)
    worse = count(names, references, [rows if i % 3 else None for i, rows in enumerate(predictions)])
    intervals = method(ours, Protocol.STRICT, minus=worse)
    expected = [Scores.from_counts(counts, Protocol.STRICT).micro.f_score for counts in (ours, worse)]
    assert intervals.of("micro", "f_score").estimate == pytest.approx(expected[0] - expected[1])
    nothing = method(ours, Protocol.STRICT, minus=ours).of("macro", "f_score")
    assert (nothing.estimate, nothing.low, nothing.high) == (0, 0, 0)


def test_pairing_narrows_the_interval(random_clips):
    """Two systems that fail on the same files differ by less than either varies."""
    names, references, _ = random_clips(21, clips=20, rows=40)
    good = [rows if i % 2 else None for i, rows in enumerate(references)]
    slightly_worse = [None if i == 1 else rows for i, rows in enumerate(good)]
    one, other = count(names, references, good), count(names, references, slightly_worse)
    paired = jackknife(one, Protocol.STRICT, minus=other).of("micro", "f_score").standard_error
    alone = jackknife(one, Protocol.STRICT).of("micro", "f_score").standard_error
    assert paired < 0.6 * alone


def test_units(clips):
    counts = count(*clips)
    by_room = jackknife(counts, Protocol.STRICT, unit="room")
    assert by_room.units == 2
    np.testing.assert_allclose(by_room.values, jackknife(counts.grouped("room"), Protocol.STRICT).values)
    assert jackknife(counts, Protocol.STRICT, unit="recording").units == 5


def test_json_layout(clips):
    result = jackknife(count(*clips), Protocol.STRICT).as_dict()
    assert result["method"] == "jackknife"
    assert result["units"] == 9
    low, high = result["micro_onscreen"]["f_score"]
    assert 0 <= low < high <= 1
    assert result["macro"]["per_class"]["f_score"][12] is None


def test_refusals(clips, random_clips):
    names, references, predictions = clips
    with pytest.raises(LabelError, match="at least 2"):
        jackknife(count(names[:1], references[:1], predictions[:1]), Protocol.STRICT)
    with pytest.raises(LabelError, match="same files"):
        jackknife(count(*clips), Protocol.STRICT, minus=count(*random_clips(1)))
