"""The registry's HTTP API, as far as the mirror needs it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

from labkit.errors import NotReadyError
from labkit.locale import _

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_ACCEPT = ", ".join(
    (
        *_INDEXES,
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_SECONDS = 30
_START_SECONDS = 20.0


@dataclass(frozen=True)
class Manifest:
    """A manifest as the registry gave it."""

    digest: str
    media_type: str
    raw: bytes
    body: dict[str, Any] = field(repr=False)

    @property
    def children(self) -> list[str]:
        """Digests of the manifests that an index points to; none for a plain image."""
        return [child["digest"] for child in self.body.get("manifests", [])]

    @property
    def size(self) -> int:
        """Bytes of the configuration and the layers, compressed, as they travel."""
        parts = [self.body.get("config", {}), *self.body.get("layers", [])]
        return sum(int(part.get("size", 0)) for part in parts)


class Registry:
    """A registry at `address` ("127.0.0.1:49153"), plain HTTP; `login` is user and password."""

    def __init__(self, address: str, login: tuple[str, str] | None = None) -> None:
        self.address = address
        self.login = login
        self._session = requests.Session()
        self._session.auth = login
        # Proxies of the environment are for the outside; the registry is on this computer.
        self._session.trust_env = False

    def __repr__(self) -> str:
        return f"Registry({self.address!r})"

    def wait(self, seconds: float = _START_SECONDS) -> None:
        """Return once it answers. Raises NotReadyError after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self._ask("GET", "", timeout=1).ok:
                    return
            except NotReadyError:
                pass
            if time.monotonic() > deadline:
                raise NotReadyError(
                    _("the mirror's registry did not start in {seconds:.0f} s", seconds=seconds)
                )
            time.sleep(0.05)

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """The manifest of a tag or digest; None if the registry has none."""
        answer = self._ask("GET", f"{repository}/manifests/{reference}")
        if answer.status_code == requests.codes.not_found:
            return None
        self._expect_ok(answer)
        return Manifest(
            digest=answer.headers["Docker-Content-Digest"],
            media_type=answer.headers["Content-Type"],
            raw=answer.content,
            body=answer.json(),
        )

    def labels(self, repository: str, manifest: Manifest) -> dict[str, str]:
        """The labels of an image, from its configuration; of the first image of an index."""
        for child in manifest.children:
            inner = self.manifest(repository, child)
            return self.labels(repository, inner) if inner else {}
        answer = self._get(f"{repository}/blobs/{manifest.body['config']['digest']}")
        return dict(answer.json().get("config", {}).get("Labels") or {})

    def size(self, repository: str, manifest: Manifest) -> int:
        """Bytes of an image as it travels; of all images of an index that are held here."""
        children = [self.manifest(repository, digest) for digest in manifest.children]
        return manifest.size + sum(child.size for child in children if child)

    def tag(self, repository: str, tag: str, manifest: Manifest) -> None:
        """Give `manifest`, which the repository has under another tag, the name `tag` too."""
        path = f"{repository}/manifests/{tag}"
        headers = {"Content-Type": manifest.media_type}
        self._expect_ok(self._ask("PUT", path, data=manifest.raw, headers=headers))

    def names(self) -> Iterator[tuple[str, str]]:
        """Every repository and tag, sorted."""
        for repository in sorted(self._pages("_catalog?n=1000", "repositories")):
            # A repository all of whose tags were deleted answers null.
            for tag in sorted(self._pages(f"{repository}/tags/list?n=1000", "tags")):
                yield repository, tag

    def _pages(self, path: str, key: str) -> Iterator[str]:
        while path:
            answer = self._get(path)
            yield from answer.json()[key] or []
            path = answer.links.get("next", {}).get("url", "").removeprefix("/v2/")

    def _get(self, path: str) -> requests.Response:
        """An answer that is a success. Raises NotReadyError on any other."""
        return self._expect_ok(self._ask("GET", path))

    def _ask(
        self,
        method: str,
        path: str,
        *,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = _SECONDS,
    ) -> requests.Response:
        """Any answer at all. Raises NotReadyError when there is none in `timeout` seconds."""
        url = f"http://{self.address}/v2/{path}"
        try:
            return self._session.request(
                method,
                url,
                data=data,
                headers={"Accept": _ACCEPT, **(headers or {})},
                timeout=timeout,
            )
        except requests.RequestException as error:
            raise NotReadyError(
                _("the mirror's registry does not answer: {error}", error=error),
                where=url,
                then="labkit bundle",
            ) from error

    def _expect_ok(self, answer: requests.Response) -> requests.Response:
        if not answer.ok:
            raise NotReadyError(
                _(
                    "the mirror's registry answers {code}: {text}",
                    code=answer.status_code,
                    text=answer.text[:200],
                ),
                where=answer.url,
                then="df -h",
            )
        return answer
