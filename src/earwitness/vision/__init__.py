"""Detection of people and objects in pictures, and tracking over time."""
