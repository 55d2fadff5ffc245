"""Results as pictures: annotated video, timeline."""
