"""Containers: opening files, and what is in them."""
