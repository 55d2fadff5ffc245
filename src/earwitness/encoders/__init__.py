"""Frozen semantic encoders behind one protocol, their weights, and the store of embeddings of a data set."""
