"""Models on disk: cards, ensembles, calibration, loading."""
