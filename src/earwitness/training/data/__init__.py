"""Training data: sources, streams of clips, augmentation, semantic tokens."""
