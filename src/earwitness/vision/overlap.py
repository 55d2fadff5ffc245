"""Overlap of boxes, and the choice of the best where several show the same thing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def areas(xyxy: FloatArray) -> FloatArray:
    """Areas (n,) of boxes (n, 4); 0 for what is inside out."""
    sides = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1])


def intersections(a: FloatArray, b: FloatArray) -> FloatArray:
    """Areas (n, m) that boxes a (n, 4) and b (m, 4) have in common."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.maximum(high - low, 0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Intersection over union (n, m) of boxes a (n, 4) and b (m, 4)."""
    common = intersections(a, b)
    union = areas(a)[:, None] + areas(b)[None, :] - common
    return np.asarray(np.where(union > 0, common / np.maximum(union, 1e-9), 0))


def cover(a: FloatArray, b: FloatArray) -> FloatArray:
    """Intersection over the smaller area (n, m): 1 where one box lies within the other."""
    smaller = np.minimum(areas(a)[:, None], areas(b)[None, :])
    return np.asarray(intersections(a, b) / np.maximum(smaller, 1e-9))


def cover_each(a: FloatArray, b: FloatArray) -> FloatArray:
    """As `cover`, of each box of a (n, 4) and the one of b (n, 4) in the same row: (n,)."""
    common = np.concatenate([np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])], axis=1)
    return np.asarray(areas(common) / np.maximum(np.minimum(areas(a), areas(b)), 1e-9))


def suppress(overlap: FloatArray, score: FloatArray, limit: float) -> NDArray[np.intp]:
    """Rows to keep, best first: none overlaps a better one by more than `limit`.

    Args:
        overlap: (n, n).
        score: (n,).
    """
    kept: list[int] = []
    for row in np.argsort(-score, kind="stable").tolist():
        if all(overlap[row, other] <= limit for other in kept):
            kept.append(row)
    return np.array(kept, dtype=np.intp)


def weighted_suppress(xyxy: FloatArray, score: FloatArray, values: FloatArray, limit: float) -> list[FloatArray]:
    """Means of the rows of `values` (n, k) that overlap a best one, weighted by score: one (k,) a thing, best first.

    Averaging what many anchors say is steadier than taking the best alone (BlazeFace, arXiv 1907.05047, section 3).
    """
    means: list[FloatArray] = []
    left = np.argsort(-score, kind="stable")
    while left.size:
        similar = iou(xyxy[left[:1]], xyxy[left])[0] > limit
        similar[0] = True
        group = left[similar]
        weight = score[group] / score[group].sum()
        means.append(np.asarray((values[group] * weight[:, None]).sum(axis=0)))
        left = left[~similar]
    return means
