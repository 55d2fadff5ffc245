"""Whether a recording is fit for sound localization."""
