"""DCASE2025 Task 3 folders: layout, labels, checks, submissions."""
