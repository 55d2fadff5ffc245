"""Detections linked over time, and the candidates for the source of a sound."""
