"""Pictures out of videos, upright and at their times."""
