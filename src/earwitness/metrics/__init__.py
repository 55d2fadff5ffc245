"""Scoring: additive counts and the protocols built on them."""
