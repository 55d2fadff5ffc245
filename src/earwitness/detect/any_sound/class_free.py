"""Events of the class-free track ("something sounds there"), compared with those of the classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.classes.vocabulary_record import ClassRecord, complete_classes
from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import MAX_TRACKS, decode
from earwitness.core.vocabulary import Vocabulary
from earwitness.detect.model.card import ModelCard
from earwitness.detect.smoothing import Smoothing

SUPPORT: Final = 0.15
"""Activity above which the track confirms an event of the classes."""
NEAR_DEG: Final = 20.0
"""Events closer than this are the same sound."""
CONFIRM_DEG: Final = 45.0
"""A sound further away from an event does not confirm it."""
SLACK_FRAMES: Final = 2
"""The classes and the track may begin and end an event by so many frames apart."""
CLOSING: Final = Smoothing(fill_gap_frames=2, fill_max_deg=30.0, min_event_frames=4, median_azimuth_frames=5)
"""Events of any sound last at least 0.4 s."""
_EXPLAINED_SHARE: Final = 0.5
_SUPPORTED_SHARE: Final = 0.25
CLASS_FREE: Final = Vocabulary("any sound", complete_classes([ClassRecord(name="Other sound", slug="other_sound")]))


def decode_class_free(column: NDArray[np.float32], merge_deg: float, card: ModelCard) -> EventTable:
    """The rows of the class-free track whose activity is above `SUPPORT`; scores are probabilities.

    Args:
        column: (T, 3, 1, 4), the output for any sound.
        merge_deg: as for the classes.
        card: of the model.
    """
    table = decode(column, threshold=SUPPORT, merge_deg=merge_deg, vocabulary=CLASS_FREE, decoding=card.decoding)
    return table.with_columns(score=card.any_sound.of(table.score))


def supported(classes: EventTable, free: EventTable) -> tuple[EventTable, EventTable]:
    """Split events of the classes into those that the class-free track confirms, and those that it does not.

    The track has at most three sources, and may have one between two sounds. It therefore contradicts only an event
    that sounds alone, and nothing where it has three.
    """
    frames = classes.num_frames
    crowded = np.bincount(free.frame, minlength=frames) >= MAX_TRACKS
    crowded |= np.bincount(classes.frame, minlength=frames) > 1
    confirmed = _near(classes, free, CONFIRM_DEG) | crowded[classes.frame]
    kept = _by_event(classes, confirmed, _SUPPORTED_SHARE)
    return classes.select(kept), classes.select(~kept)


def unexplained(free: EventTable, classes: EventTable, threshold: float) -> EventTable:
    """Events of the class-free track that are not events of the classes, at least 0.4 s long.

    Args:
        free: rows of the track.
        classes: smoothed events of the classes.
        threshold: probability above which something sounds there.
    """
    free = CLOSING.apply(free.select(free.score > threshold))
    explained = _near(free, classes, NEAR_DEG) | _between(free, classes)
    whole = _by_event(free, explained, _EXPLAINED_SHARE)
    return CLOSING.apply(free.select(~whole & ~explained))


def with_free_scores(table: EventTable, free: EventTable) -> EventTable:
    """Rows with the highest score of the class-free track near them, where it is higher than theirs."""
    score = table.score.copy()
    for rows, places in _pairs(table, free, NEAR_DEG):
        score[rows] = np.maximum(score[rows], free.score[places])
    return table.with_columns(score=score)


def _by_event(table: EventTable, rows: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """For each row, whether at least a share of its event's rows is marked."""
    order = np.lexsort((table.frame, table.source, table.class_index))
    _, first, stop = table.runs()
    marked = np.zeros(len(table), np.bool_)
    for begin, end in zip(first.tolist(), stop.tolist(), strict=True):
        places = order[begin:end]
        marked[places] = rows[places].mean() >= share
    return marked


def _between(free: EventTable, classes: EventTable) -> NDArray[np.bool_]:
    """For each row of the track, whether it may stand for several events of the classes, between which it lies."""
    frames = classes.num_frames
    low, high = np.full(frames, np.inf), np.full(frames, -np.inf)
    np.minimum.at(low, classes.frame, classes.azimuth - NEAR_DEG)
    np.maximum.at(high, classes.frame, classes.azimuth + NEAR_DEG)
    fewer = np.bincount(free.frame, minlength=frames) < np.bincount(classes.frame, minlength=frames)
    inside = (free.azimuth >= low[free.frame]) & (free.azimuth <= high[free.frame])
    return np.asarray(fewer[free.frame] & inside)


def _near(table: EventTable, others: EventTable, degrees: float) -> NDArray[np.bool_]:
    """For each row, whether a row of `others` is near it: within `SLACK_FRAMES` and `degrees`; NaN is near all."""
    near = np.zeros(len(table), np.bool_)
    for rows, _ in _pairs(table, others, degrees, SLACK_FRAMES):
        near[rows] = True
    return near


def _pairs(
    table: EventTable, others: EventTable, degrees: float, slack_frames: int = 0
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows of both tables that are near each other, each row of `table` at most once a time."""
    order = np.argsort(others.frame, kind="stable")
    frame, azimuth = others.frame[order], others.azimuth[order]
    for shift in range(-slack_frames, slack_frames + 1):
        first = np.searchsorted(frame, table.frame + shift, "left")
        count = np.searchsorted(frame, table.frame + shift, "right") - first
        for step in range(int(count.max(initial=0))):
            rows = np.flatnonzero(count > step)
            places = first[rows] + step
            close = ~(np.abs(azimuth[places] - table.azimuth[rows]) > degrees)
            yield rows[close], order[places[close]]
