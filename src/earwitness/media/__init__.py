"""Sound and pictures in and out of media files (PyAV), by timestamps."""
