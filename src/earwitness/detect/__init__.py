"""From a media file to sound events."""
