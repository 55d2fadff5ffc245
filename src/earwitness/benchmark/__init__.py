"""Benchmark sets whose seeds stay hidden until they are scored, and the entries of the leaderboard."""
