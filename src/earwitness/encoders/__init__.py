"""Frozen semantic encoders behind one protocol, their weights, and the cache of what they made of a data set."""
