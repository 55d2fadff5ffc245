"""One small writer a file format."""
