"""Caption files."""
