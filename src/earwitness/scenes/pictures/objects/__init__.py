"""Drawn objects that produce sound."""
