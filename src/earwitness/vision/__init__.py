"""What can be seen: detectors of people and things behind one protocol, tracked over time."""
