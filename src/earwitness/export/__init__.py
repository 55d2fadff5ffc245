"""One small writer for each file format."""
