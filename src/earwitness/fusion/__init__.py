"""Sound and picture together: directions, on/off screen, distances, explanations."""
