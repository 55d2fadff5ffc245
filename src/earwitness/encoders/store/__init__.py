"""Embeddings of a data set, stored in its folder."""
