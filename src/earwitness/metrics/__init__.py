"""Scoring: additive counts, protocols, scores and confidence intervals."""

from earwitness.metrics.counts import Counts, count
from earwitness.metrics.evaluation import read_folder, score_folders
from earwitness.metrics.intervals import Interval, Intervals, bootstrap, jackknife
from earwitness.metrics.protocols import Protocol
from earwitness.metrics.scores import AverageScores, ClassScores, Scores, score_tables

__all__ = [
    "AverageScores",
    "ClassScores",
    "Counts",
    "Interval",
    "Intervals",
    "Protocol",
    "Scores",
    "bootstrap",
    "count",
    "jackknife",
    "read_folder",
    "score_folders",
    "score_tables",
]
