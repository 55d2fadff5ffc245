"""Sound in and out of files: decoding, channels, rates, WAV."""
