"""Pictures of synthetic scenes."""
