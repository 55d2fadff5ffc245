"""Data sets on disk: DCASE folders and their label files."""
