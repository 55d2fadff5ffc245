"""Drawn people."""
