"""Writing sets of synthetic clips."""
