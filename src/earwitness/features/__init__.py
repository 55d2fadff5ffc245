"""Acoustic features: log-mel, mid-side intensity, coherence, stpACC. NumPy and SciPy only."""

from earwitness.features.channels import swap
from earwitness.features.config import CHANNELS, Channel, FeatureConfig
from earwitness.features.extractor import FeatureExtractor

__all__ = ["CHANNELS", "Channel", "FeatureConfig", "FeatureExtractor", "swap"]
