"""Data sets of synthetic clips on disk."""
