"""Scoring: additive counts and the protocols built on them."""

from earwitness.metrics.counts import Counts, count
from earwitness.metrics.evaluation import score_tables
from earwitness.metrics.protocols import Protocol
from earwitness.metrics.scores import AverageScores, ClassScores, Scores

__all__ = ["AverageScores", "ClassScores", "Counts", "Protocol", "Scores", "count", "score_tables"]
