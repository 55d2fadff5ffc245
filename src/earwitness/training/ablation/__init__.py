"""Ablations: variants of a recipe, trained alike, scored once on the same test set."""
