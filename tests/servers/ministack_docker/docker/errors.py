"""The errors that MiniStack knows by name."""

from __future__ import annotations


class DockerException(Exception):
    """The root."""


class APIError(DockerException):
    """The daemon said no."""


class NotFound(APIError):
    """No such container, network or volume."""


class ImageNotFound(NotFound):
    """No such image."""
