"""Rooms, room impulse responses (RIRs) and microphones."""
