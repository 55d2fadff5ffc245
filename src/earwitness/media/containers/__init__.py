"""Containers: opening media files and describing their contents."""
