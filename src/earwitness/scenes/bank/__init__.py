"""Sound banks."""
