"""Acoustic features: log-mel, mid-side intensity, coherence, stpACC, log-mels of a tagger. NumPy and SciPy only."""

from earwitness.features.config import CHANNELS, TAGGER_CHANNELS, Channel, FeatureConfig, swap
from earwitness.features.extractor import FeatureExtractor

__all__ = ["CHANNELS", "TAGGER_CHANNELS", "Channel", "FeatureConfig", "FeatureExtractor", "swap"]
