"""Training: recipes, data, losses, the training loop, export, ablations."""
