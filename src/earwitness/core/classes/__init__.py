"""Classes as data: records for cards and results, files, names and colours."""
