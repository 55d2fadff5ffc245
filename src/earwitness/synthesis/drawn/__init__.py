"""Pictures drawn by code: rooms, furniture, people and things that sound."""
