"""Layers of the networks (torch)."""
