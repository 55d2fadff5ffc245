"""Drawn rooms."""
