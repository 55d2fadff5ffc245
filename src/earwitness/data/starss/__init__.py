"""Ambisonic recordings (STARSS22, STARSS23) and stereo clips cut from them."""
