"""Checks whether a recording is fit for sound localization."""
