"""Files on disk: written whole or not at all, cached, recognised when they change."""
