"""Sound banks: layouts, splits, checks and decoding."""
