"""Pretrained weights: which there are, fetching them, checking them."""
