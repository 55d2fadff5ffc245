"""Sounds that are none of the model's classes: where they are, and what AudioSet calls them."""
