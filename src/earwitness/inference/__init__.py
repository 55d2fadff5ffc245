"""From a media file to events: windows, runtimes, decoding, batches."""
