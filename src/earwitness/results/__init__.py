"""The result of one file and its JSON document."""
