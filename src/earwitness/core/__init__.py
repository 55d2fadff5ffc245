"""What everything else builds on: vocabulary, geometry, events, errors, files."""
