"""Foundation of all other packages: vocabulary, geometry, events, errors, files."""
