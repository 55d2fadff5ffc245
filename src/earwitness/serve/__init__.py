"""A page in the browser: drop a video, get report, captions and annotated video (extra `serve`)."""
