"""Dimensions of the networks; torch-free."""
