"""Parts of `scripts/fuzz.py`: what is made, what reads it, and what watches."""
