"""A Docker Engine that holds some images and whose registry answers, refuses or hangs."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import docker
import requests
from docker.errors import ImageNotFound


class FakeEngine:
    """An engine that holds some images and whose registry answers, refuses or hangs."""

    def __init__(self, held: Iterable[str] = (), registry: int | Exception = 404) -> None:
        self.held = set(held)
        self.registry = registry
        self.asked: list[str] = []
        self.images = SimpleNamespace(get=self._get_image)
        self.api = SimpleNamespace(base_url="http+docker://x", api_version="1.41", get=self._get)

    def _get_image(self, reference: str) -> str:
        if reference not in self.held:
            raise ImageNotFound(reference)
        return reference

    def _get(self, url: str, timeout: float) -> Any:
        self.asked.append(f"{url} within {timeout:.0f} s")
        if isinstance(self.registry, Exception):
            raise self.registry
        return SimpleNamespace(ok=self.registry == requests.codes.ok)


def engine(held: Iterable[str] = (), registry: int | Exception = 404) -> docker.DockerClient:
    return FakeEngine(held, registry)  # type: ignore[return-value]
