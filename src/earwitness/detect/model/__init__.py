"""Model files: cards, calibration, ensembles, loading."""
