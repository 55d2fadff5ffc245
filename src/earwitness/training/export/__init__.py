"""Export of training runs as models that do not need torch."""
