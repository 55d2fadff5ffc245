"""Embeddings of a data set, kept beside it."""
