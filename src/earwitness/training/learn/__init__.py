"""New classes for the shipped model, from a few recordings of each."""
