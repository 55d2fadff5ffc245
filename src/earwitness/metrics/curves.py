"""Curves: predicted against true azimuth and distance, and the share of labels found under each condition.

Scores count errors, curves show their sign: a model with an outward bias, or with the same distance for all sources,
can have few errors on one data set and many on another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from earwitness.core.events import EventTable
from earwitness.core.geometry import fold
from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics.matching import match
from earwitness.metrics.protocols import AZIMUTH_THRESHOLD_DEG, RELATIVE_DISTANCE_THRESHOLD

FloatArray = NDArray[np.float64]

BIN_DEG: Final = 10.0
OVERLAPS: Final = ("1 event", "2 events", "3 events and more")
METRES: Final = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Matched pairs, one entry each.

    Attributes:
        overlap: (n,) events of any class in the pair's frame.
        azimuth, answered_azimuth: (n,) degrees, folded.
        metres, answered_metres: (n,).
    """

    overlap: NDArray[np.int64]
    azimuth: FloatArray
    answered_azimuth: FloatArray
    metres: FloatArray
    answered_metres: FloatArray


def answers(references: Sequence[LabelRows], predictions: Sequence[LabelRows]) -> Answers:
    """The matched pairs of clips, with the number of events in their frames."""
    overlaps: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    columns: list[FloatArray] = [np.zeros((4, 0))]
    for true, predicted in zip(references, predictions, strict=True):
        own, theirs = fold(true.azimuth).astype(np.float64), fold(predicted.azimuth).astype(np.float64)
        pairs = match(_cells(true), own, _cells(predicted), theirs)
        overlaps.append(np.bincount(true.frame, minlength=1)[true.frame[pairs.reference]].astype(np.int64))
        metres = (side.distance_cm / 100 for side in (true, predicted))
        chosen = zip(metres, (pairs.reference, pairs.prediction), strict=True)
        columns.append(
            np.stack([own[pairs.reference], theirs[pairs.prediction], *(np.maximum(m[at], 0.01) for m, at in chosen)])
        )
    return Answers(np.concatenate(overlaps), *np.concatenate(columns, axis=1))


def azimuth_curve(matched: Answers) -> dict[str, list[dict[str, float]]]:
    """Mean predicted azimuth and mean signed error, by overlap and by bin of the absolute true azimuth.

    Both sides are pooled: azimuths are mirrored so that the true one is positive. `outwards_deg` is positive where
    sources are predicted farther to the side than they are.
    """
    side = np.where(matched.azimuth < 0, -1.0, 1.0)
    true, answered = matched.azimuth * side, matched.answered_azimuth * side
    number = np.minimum((true / BIN_DEG).astype(np.int64), round(90 / BIN_DEG) - 1)
    curve: dict[str, list[dict[str, float]]] = {}
    for overlap, name in enumerate(OVERLAPS, start=1):
        sounding = matched.overlap == overlap if overlap < len(OVERLAPS) else matched.overlap >= overlap
        curve[name] = [
            {
                "true_deg": float(true[here].mean()),
                "said_deg": float(answered[here].mean()),
                "outwards_deg": float((answered - true)[here].mean()),
                "pairs": int(here.sum()),
            }
            for one in range(round(90 / BIN_DEG))
            if (here := sounding & (number == one)).any()
        ]
    return curve


def distance_curve(matched: Answers) -> dict[str, Any]:
    """Median predicted distance by bin of the true distance; slope and correlation of the logarithms."""
    bins = np.digitize(matched.metres, METRES)
    rows = [
        {
            "true_m": float(np.median(matched.metres[here])),
            "said_m": float(np.median(matched.answered_metres[here])),
            "pairs": int(here.sum()),
        }
        for one in range(len(METRES) + 1)
        if (here := bins == one).any()
    ]
    true, answered = np.log(matched.metres), np.log(matched.answered_metres)
    spread, other = (float(np.std(each)) if each.size else 0.0 for each in (true, answered))
    together = float(np.mean((true - true.mean()) * (answered - answered.mean()))) if true.size else 0.0
    return {
        "bins": rows,
        "slope": together / spread**2 if spread else float("nan"),
        "correlation": together / (spread * other) if spread and other else float("nan"),
    }


def second_sources(references: Sequence[LabelRows], predictions: Sequence[LabelRows]) -> dict[str, float]:
    """Share of further sources found in the frames with several sources of a class.

    A source counts as found if a prediction lies within the limits of F20/1. Of n sources in a frame, n - 1 are further
    sources; of m sources found, m - 1.
    """
    further = found = 0
    for true, predicted in zip(references, predictions, strict=True):
        cells, own = _cells(true), fold(true.azimuth).astype(np.float64)
        theirs = fold(predicted.azimuth).astype(np.float64)
        pairs = match(cells, own, _cells(predicted), theirs)
        metres = np.maximum(true.distance_cm[pairs.reference], 1)
        near = np.abs(predicted.distance_cm[pairs.prediction] - metres) / metres <= RELATIVE_DISTANCE_THRESHOLD
        right = near & (np.abs(own[pairs.reference] - theirs[pairs.prediction]) <= AZIMUTH_THRESHOLD_DEG)
        size = int(cells.max(initial=0)) + 1
        sources = np.bincount(cells, minlength=size)
        hits = np.bincount(cells[pairs.reference[right]], minlength=size)
        several = sources > 1
        further += int((sources[several] - 1).sum())
        found += int(np.maximum(hits[several] - 1, 0).sum())
    return {"further": further, "found": found / further if further else float("nan")}


def curves(references: Sequence[LabelRows], predictions: Sequence[LabelRows]) -> dict[str, Any]:
    """All curves of this module, as plain values."""
    matched = answers(references, predictions)
    return {
        "azimuth": azimuth_curve(matched),
        "distance": distance_curve(matched),
        "second_sources": second_sources(references, predictions),
    }


def as_tables(found: dict[str, Any]) -> list[str]:
    """The result of `curves` as lines of Markdown."""
    lines = ["", "| azimuth, true -> said (outwards by) | " + " | ".join(OVERLAPS) + " |", "|---|---|---|---|"]
    columns = [{round(one["true_deg"] // BIN_DEG): one for one in found["azimuth"][name]} for name in OVERLAPS]
    for number in range(round(90 / BIN_DEG)):
        cells = [
            f"{one['true_deg']:.0f} -> {one['said_deg']:.0f} ({one['outwards_deg']:+.1f})" if one else ""
            for one in (column.get(number) for column in columns)
        ]
        lines.append(f"| {number * BIN_DEG:.0f}..{(number + 1) * BIN_DEG:.0f} | {' | '.join(cells)} |")
    far, second = found["distance"], found["second_sources"]
    shown = ", ".join(f"{one['true_m']:.1f} -> {one['said_m']:.1f}" for one in far["bins"])
    together = f"of the logarithms slope {far['slope']:.2f}, correlation {far['correlation']:.2f}"
    lines += ["", f"Distance, true -> said (medians, m): {shown}; {together}."]
    lines.append(f"Of {second['further']:,} second sources of one class {second['found']:.1%} are found.")
    return lines


_BINS: Final = round(90 / BIN_DEG)
BIN_NAMES: Final = tuple(f"bias_{number * BIN_DEG:.0f}_{(number + 1) * BIN_DEG:.0f}_deg" for number in range(_BINS))
_FAR_SIDE: Final = 7
"""The first bin beyond 70 degrees."""
FIGURES: Final = (
    "largest_bias_below_70_deg", "largest_bias_from_70_deg", "log_distance_correlation", "log_distance_slope",
    "second_sources_found", *BIN_NAMES,
)  # fmt: skip


def curve_sums(references: Sequence[LabelRows], predictions: Sequence[LabelRows]) -> FloatArray:
    """Sums (clips, 26) for `curve_figures`, which can be added over clips.

    Columns: for each bin of |true azimuth| the number of matched pairs in frames with one event of the class, and for
    each bin the sum of their errors outwards; of the logarithms of true and predicted distance n, x, y, x x, x y, y y;
    the number of further sources of a class, and how many of them are found.
    """
    rows = []
    for true, predicted in zip(references, predictions, strict=True):
        cells, own = _cells(true), fold(true.azimuth).astype(np.float64)
        theirs = fold(predicted.azimuth).astype(np.float64)
        pairs = match(cells, own, _cells(predicted), theirs)
        single = np.bincount(cells, minlength=1)[cells[pairs.reference]] == 1
        azimuth, answered = own[pairs.reference], theirs[pairs.prediction]
        side = np.where(azimuth < 0, -1.0, 1.0)
        number = np.minimum(np.abs(azimuth) / BIN_DEG, _BINS - 1).astype(np.int64)[single]
        outwards = ((answered - azimuth) * side)[single]
        x = np.log(np.maximum(true.distance_cm[pairs.reference], 1) / 100)
        y = np.log(np.maximum(predicted.distance_cm[pairs.prediction], 1) / 100)
        second = second_sources([true], [predicted])
        found = second["found"] * second["further"] if second["further"] else 0.0
        rows.append(
            np.concatenate(
                [
                    np.bincount(number, minlength=_BINS),
                    np.bincount(number, outwards, minlength=_BINS),
                    [x.size, x.sum(), y.sum(), x @ x, x @ y, y @ y, second["further"], found],
                ]
            )
        )
    return np.array(rows, dtype=np.float64).reshape(len(rows), 2 * _BINS + 8)


def curve_figures(sums: FloatArray) -> FloatArray:
    """The figures called `FIGURES` (..., figures) from sums (..., 26); NaN where a figure is undefined."""
    pairs, outwards = sums[..., :_BINS], sums[..., _BINS : 2 * _BINS]
    n, x, y, xx, xy, yy, further, found = np.moveaxis(sums[..., 2 * _BINS :], -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        bias = outwards / pairs
        spread, other, together = xx / n - (x / n) ** 2, yy / n - (y / n) ** 2, xy / n - x * y / n**2
        largest = [
            np.where(part.any(axis=-1), np.where(part, np.abs(bias[..., bins]), -np.inf).max(axis=-1), np.nan)
            for bins in (slice(_FAR_SIDE), slice(_FAR_SIDE, None))
            for part in [pairs[..., bins] > 0]
        ]
        figures = [*largest, together / np.sqrt(spread * other), together / spread, found / further]
    return np.concatenate([np.stack(figures, axis=-1), bias], axis=-1)


def curve_intervals(sums: FloatArray, minus: FloatArray | None = None) -> dict[str, list[float]]:
    """Each figure with the ends of its 95 % interval, by the jackknife over clips.

    Args:
        sums: (clips, 26) from `curve_sums`.
        minus: those of another system on the same clips, for the paired difference.
    """
    tables = [sums] if minus is None else [sums, minus]

    def statistic(totals: Sequence[FloatArray]) -> FloatArray:
        values = [curve_figures(total) for total in totals]
        return values[0] if minus is None else values[0] - values[1]

    value = statistic([table.sum(axis=0) for table in tables])
    partial = statistic([table.sum(axis=0) - table for table in tables])
    n = len(sums)
    error = np.sqrt((n - 1) * np.square(partial - partial.mean(axis=0)).mean(axis=0))
    reach = float(stdtrit(n - 1, 0.975)) * error if n > 1 else np.full_like(value, np.nan)
    columns = np.stack([value, value - reach, value + reach], axis=1)
    return dict(zip(FIGURES, columns.tolist(), strict=True))


def _cells(rows: LabelRows) -> NDArray[np.int64]:
    return np.asarray(rows.frame * len(rows.vocabulary) + rows.class_index, dtype=np.int64)


RESAMPLES: Final = 1000


def recall_by_bin(
    clips: Sequence[LabelRows], events: Sequence[EventTable], bins: Sequence[NDArray[np.int64]], n: int
) -> dict[str, Any]:
    """Share of the labels found and mean errors of the predictions in each bin, with 95 % bootstrap intervals.

    Args:
        clips: labels of each clip.
        events: predictions for each clip.
        bins: bin of each label row of each clip.
        n: number of bins.
    """
    sums = np.zeros((len(clips), n, 5))
    for number, (rows, table, own) in enumerate(zip(clips, events, bins, strict=True)):
        predictions = LabelRows.from_table(table)
        cells = (side.frame * len(side.vocabulary) + side.class_index for side in (rows, predictions))
        cell_r, cell_p = cells
        az_r, az_p = (fold(side.azimuth).astype(np.float64) for side in (rows, predictions))
        pairs = match(cell_r, az_r, cell_p, az_p)
        angle = np.abs(az_r[pairs.reference] - az_p[pairs.prediction])
        true = np.maximum(rows.distance_cm[pairs.reference], 1)
        relative = np.abs(true - predictions.distance_cm[pairs.prediction]) / true
        found = (angle <= AZIMUTH_THRESHOLD_DEG) & (relative <= RELATIVE_DISTANCE_THRESHOLD)
        where = own[pairs.reference]
        sums[number, :, 0] = np.bincount(own, minlength=n)
        for column, values in enumerate((found, np.ones_like(angle), angle, relative), start=1):
            sums[number, :, column] = np.bincount(where, values, n)
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(clips), np.full(len(clips), 1 / len(clips)), size=RESAMPLES)
    samples = np.einsum("sc,cbk->sbk", weights.astype(np.float64), sums)
    return {
        "labels": sums[:, :, 0].sum(axis=0).tolist(),
        **{
            name: _ratio(sums.sum(axis=0), samples, top, below)
            for name, top, below in (("found", 1, 0), ("doa_error_deg", 3, 2), ("relative_distance_error", 4, 2))
        },
    }


def _ratio(total: FloatArray, samples: FloatArray, top: int, below: int) -> list[list[float]]:
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = np.nan_to_num(samples[:, :, top] / samples[:, :, below], nan=0.0)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        found: list[list[float]] = np.stack([total[:, top] / total[:, below], low, high], axis=1).tolist()
    return found


BINS: Final = 10
LEAST: Final = 0.05
"""Lower probabilities are left out of the calibration error: nearly all cells are inactive and easy to predict."""


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Probabilities in bins of equal width.

    Attributes:
        predicted: (bins,) mean predicted probability; NaN in empty bins.
        observed: (bins,) observed frequency; NaN in empty bins.
        count: (bins,) number of predictions.
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, probability: NDArray[np.float64], truth: NDArray[np.bool_], bins: int = BINS) -> Reliability:
        """Bin probabilities of any shape, with truth of the same shape."""
        place = np.minimum((probability.ravel() * bins).astype(np.int64), bins - 1)
        count = np.bincount(place, minlength=bins)
        with np.errstate(invalid="ignore"):
            predicted = np.bincount(place, probability.ravel(), bins) / count
            observed = np.bincount(place, truth.ravel().astype(np.float64), bins) / count
        return cls(predicted, observed, count)

    @property
    def error(self) -> float:
        """Expected calibration error: mean of |predicted - observed| over all predictions; NaN if there are none.

        Source: Naeini, Cooper & Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning".
        """
        if not self.count.sum():
            return float("nan")
        return float(np.nansum(np.abs(self.predicted - self.observed) * self.count) / self.count.sum())


def expected_calibration_error(
    probability: NDArray[np.float64], truth: NDArray[np.bool_], least: float = LEAST
) -> float:
    """Expected calibration error of probabilities of at least `least`; NaN if there are none."""
    kept = probability >= least
    return Reliability.of(probability[kept], truth[kept]).error
