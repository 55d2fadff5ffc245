"""Pretrained weights: the registry, download and verification."""
