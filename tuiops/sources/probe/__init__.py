"""Probes: one module for each kind of door, and one source that knocks at whichever it was given."""
