"""Fusion of sound and pictures: directions, on-screen states, distances, explanations."""
