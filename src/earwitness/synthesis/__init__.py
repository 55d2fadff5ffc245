"""Synthetic scenes: sound bank, rooms, microphones, scene sampling, rendering."""
