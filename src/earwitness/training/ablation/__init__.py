"""Ablations: variants of a recipe, trained in the same way and scored once on the same test set."""
