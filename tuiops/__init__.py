"""A terminal operations console: health, alerts, logs and rollouts, live, in one place."""

__version__ = "0.1.0"
