"""From training runs to models that need no torch."""
