"""AWS as a source."""
