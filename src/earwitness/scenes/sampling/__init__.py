"""Drawing scene recipes."""
