"""Tables: CSV, JSON Lines, Parquet, the terminal."""
