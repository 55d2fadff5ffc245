"""The shapes of the networks; torch-free."""
