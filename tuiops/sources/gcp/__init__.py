"""Google Cloud as a source."""
