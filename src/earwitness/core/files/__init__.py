"""Files on disk: atomic writing, locks, the cache folder, digests, safe reading."""
