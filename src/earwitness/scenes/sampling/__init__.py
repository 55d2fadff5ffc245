"""Random scene recipes."""
