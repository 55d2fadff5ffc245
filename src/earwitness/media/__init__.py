"""Reading and writing sound and pictures in media files (PyAV), placed by their time stamps."""
