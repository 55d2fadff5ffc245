"""Running a model on a stream of sound."""
