"""Acoustic features in NumPy/SciPy, for training and use alike."""
