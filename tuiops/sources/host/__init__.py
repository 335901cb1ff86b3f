"""The machine that tuiops runs on, as a source."""
