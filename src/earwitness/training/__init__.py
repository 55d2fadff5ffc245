"""Training: recipes, losses, augmentation, the loop, export."""
