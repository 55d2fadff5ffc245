"""Drawn things that sound."""
