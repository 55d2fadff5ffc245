"""Rooms, impulse responses and microphones."""
