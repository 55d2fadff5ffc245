"""Visual detectors with a common protocol, and their registry."""
