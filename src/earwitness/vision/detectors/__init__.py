"""Visual detectors behind one protocol, and their registry."""
