"""As much of docker-py as MiniStack's ECS scheduler uses, without a Docker daemon.

A container is a record. How it behaves is read from the tag of its image, whatever the repository:

- a tag that begins with `bad`: the container exits with status 1 as soon as it is started;
- a tag that begins with `missing`: the image cannot be pulled;
- any other: it runs until it is stopped.

Starting a container waits as long as there is a file of the tag's name in the folder $FAKE_DOCKER_HOLDS, so that a test
can look at a deployment half-way. A file of that name with `.N` behind it lets one of them through.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from . import errors

_HOLDS = Path(os.environ["FAKE_DOCKER_HOLDS"])
_POLL_SECONDS = 0.02
_containers: dict[str, Container] = {}
_tags: dict[str, str] = {}
"""Tags by digest."""
_lock = threading.Lock()


def _digest(image: str) -> str:
    """The digest of an image, by which its tag is found again."""
    if "@" in image:
        return image.split("@", 1)[1]
    digest = "sha256:" + hashlib.sha256(image.encode()).hexdigest()
    _tags[digest] = image.rpartition(":")[2]
    return digest


def _tag(image: str) -> str:
    return _tags.get(_digest(image), "")


def _pulled(image: str) -> Image:
    tag = _tag(image)
    if tag.startswith("missing"):
        raise errors.ImageNotFound(f"manifest for {image} not found: manifest unknown")
    return Image(image)


def _wait_for_leave(tag: str) -> None:
    """Until containers of the tag may start, or this one may."""
    while tag and (_HOLDS / tag).exists():
        for leave in _HOLDS.glob(f"{tag}.*"):
            with contextlib.suppress(FileNotFoundError):
                leave.unlink()
                return
        time.sleep(_POLL_SECONDS)


class Image:
    """An image that was pulled."""

    def __init__(self, name: str) -> None:
        self.id = _digest(name)
        self.tags = [name]
        self.attrs: dict[str, Any] = {"RepoDigests": []}

    def tag(self, *_: object, **__: object) -> bool:
        return True


class Images:
    def pull(self, image: str, **_: object) -> Image:
        return _pulled(image)

    def get(self, image: str, **_: object) -> Image:
        return _pulled(image)

    def get_registry_data(self, image: str, **_: object) -> Image:
        return _pulled(image)


class Container:
    """A container that was started."""

    def __init__(self, image: str, settings: dict[str, Any]) -> None:
        self.id = uuid.uuid4().hex
        self.short_id = self.id[:12]
        self.name = settings.get("name") or self.short_id
        self.labels = settings.get("labels") or {}
        self.image = Image(image)
        self._ended = threading.Event()
        self._status = 0
        if _tag(image).startswith("bad"):
            self._end(1)

    @property
    def status(self) -> str:
        return "exited" if self._ended.is_set() else "running"

    @property
    def attrs(self) -> dict[str, Any]:
        networks = {"bridge": {"IPAddress": "10.0.0.1"}}
        return {"NetworkSettings": {"Networks": networks, "Ports": {}}, "State": {"Status": self.status}}

    def reload(self) -> None:
        """Nothing is cached."""

    def wait(self, **_: object) -> dict[str, int]:
        self._ended.wait()
        return {"StatusCode": self._status}

    def stop(self, **_: object) -> None:
        self._end(143)

    def kill(self, **_: object) -> None:
        self._end(137)

    def remove(self, **_: object) -> None:
        with _lock:
            _containers.pop(self.id, None)

    def logs(self, *, stream: bool = False, **_: object) -> Any:
        line = f'{{"level": "info", "container": "{self.short_id}", "message": "started"}}\n'.encode()
        return iter([line]) if stream else line

    def _end(self, status: int) -> None:
        if not self._ended.is_set():
            self._status = status
            self._ended.set()


class Containers:
    def run(self, image: str, **settings: Any) -> Container:
        _wait_for_leave(_tag(image))
        container = Container(image, settings)
        with _lock:
            _containers[container.id] = container
        return container

    def get(self, identity: str) -> Container:
        with _lock:
            for container in _containers.values():
                if identity and identity in {container.id, container.name, container.short_id}:
                    return container
        raise errors.NotFound(f"no such container: {identity}")

    def list(self, **_: object) -> list[Container]:
        with _lock:
            return list(_containers.values())


class Networks:
    def list(self, **_: object) -> list[object]:
        return []

    def get(self, name: str) -> object:
        raise errors.NotFound(f"no such network: {name}")


class DockerClient:
    def __init__(self) -> None:
        self.images = Images()
        self.containers = Containers()
        self.networks = self.volumes = Networks()

    def ping(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""


def from_env(**_: object) -> DockerClient:
    return DockerClient()
