"""The private registry: found by what answers, asked through its own HTTP API.

API: the OCI distribution specification (`/v2/`, `_catalog`, tags, manifests).
"""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from labkit.facts.compose.written import as_yaml
from labkit.facts.docker import Container, containers, images
from labkit.facts.foreign import as_json, texts, within
from labkit.facts.http.curl import QUESTION_LIMIT_S, Answer, curl, patiently
from labkit.remote import Shell

MANIFESTS = ", ".join(
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.index.v1+json",
    )
)
Wanted = Callable[[str], bool]  # whether a name of an image is meant
MOST_NAMES = 50  # repositories, and tags of each, that are asked about


@dataclass(frozen=True)
class Registry:
    """A registry on a machine, and what the client on another one knows of it."""

    machine: str
    port: int
    scheme: str
    name: str  # HOST:PORT, as the images are named on the client
    client: Shell
    user: tuple[str, str] | None
    container: Container

    def ask(self, path: str) -> Answer:
        """A question to the registry's API, asked from the client with its credentials.

        The certificate is not verified here: whether the client's engine trusts it is shown by a
        pull.
        """
        return curl(
            self.client,
            f"{self.scheme}://{self.machine}:{self.port}{path}",
            user=self.user,
            options=["-k", "-H", f"Accept: {MANIFESTS}"],
        )

    def headers(self, path: str, header: str) -> str:
        """The headers of an answer to a request with one more header."""
        user = f"-u {shlex.quote(':'.join(self.user))} " if self.user else ""
        url = shlex.quote(f"{self.scheme}://{self.machine}:{self.port}{path}")
        words = f"-k -o /dev/null -D - {user}-H {shlex.quote(header)} {url}"
        return self.client.ask(patiently(words), timeout=QUESTION_LIMIT_S).stdout

    def repositories(self) -> list[str]:
        """The names of what it holds."""
        return texts(within(self.ask("/v2/_catalog").json(), "repositories"))

    def pushed(self, wanted: Wanted) -> dict[str, set[str]]:
        """Each `repository:tag` of the images that are meant -> digests that identify it.

        An engine's id of an image is its configuration's digest in the classic store, and the
        manifest's or index's own in containerd's (Docker Engine 29's, where it was new).
        """
        found: dict[str, set[str]] = {}
        for repository in [*filter(wanted, self.repositories())][:MOST_NAMES]:
            tags = self.ask(f"/v2/{repository}/tags/list").json()
            for tag in texts(within(tags, "tags"))[:MOST_NAMES]:
                manifest = self.ask(f"/v2/{repository}/manifests/{tag}")
                if not manifest.status:
                    return found  # who says nothing any more is not waited for fifty times
                found[f"{repository}:{tag}"] = _digests(manifest)
        return found


def _digests(answer: Answer) -> set[str]:
    manifest = answer.json()
    listed = within(manifest, "manifests")
    found = [within(manifest, "config", "digest")]
    found += [within(image, "digest") for image in (listed if isinstance(listed, list) else ())]
    found.append(f"sha256:{hashlib.sha256(answer.body.encode()).hexdigest()}")
    return {*texts(found)} - {""}


def settings(config: str) -> dict[str, str]:
    """A configuration file as the variables that would override it.

    `REGISTRY_` and the keys on the way, as distribution's documentation has it ("Override specific
    configuration options"): `auth.htpasswd.path` is REGISTRY_AUTH_HTPASSWD_PATH.
    """
    return dict(_settings("REGISTRY", as_yaml(config.encode())))


def _settings(name: str, value: object, depth: int = 6) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items() if depth else ():
            yield from _settings(f"{name}_{str(key).upper()}", inner, depth - 1)
    elif isinstance(value, str):
        yield name, value


def is_registry(image: str) -> bool:
    """Whether an image is the registry itself, and not a page for it."""
    return bool(re.search(r"(^|/)(registry|distribution/distribution)(:|@|$)", image))


def find_registry(host: Shell, client: Shell, wanted: Wanted) -> Registry | None:
    """The registry that runs as a container on `host`, as `client` knows it; None if none answers.

    The first published port that answers `/v2/` as a registry does, with a status of 200 or 401
    and the header that the specification asks for. What passes it on, a page or a server in front,
    is it only if the registry is published nowhere itself.
    """
    names = _names_on(client, wanted)
    running = [one for one in containers(host) if one.running]
    own = [one for one in running if is_registry(one.image) and one.published]
    behind: Registry | None = None  # a page on the same port: what is published for itself is it
    for container in own or running:
        for port in container.published.values():
            scheme = _scheme(host, port, again=bool(own))
            if not scheme or (behind and _is_page(host, scheme, port)):
                continue
            registry = _best_name(names, host.name, port)
            user = _credentials(client, registry)
            found = Registry(host.name, port, scheme, registry, client, user, container)
            if not _is_page(host, scheme, port):
                return found
            behind = found
    return behind


def _scheme(host: Shell, port: int, *, again: bool) -> str:
    """How a registry on this port is spoken to; "" if there is none."""
    for scheme in ("https", "http"):
        url = shlex.quote(f"{scheme}://localhost:{port}/v2/")
        asked = patiently(f"-k -o /dev/null -D - {url}", again=again)
        headers = host.ask(asked, timeout=QUESTION_LIMIT_S).stdout.lower()
        if "docker-distribution-api-version" in headers:
            return scheme
    return ""


def find_page(host: Shell, registry: Registry) -> int:
    """The port of the registry's page on `host`, its own or the one that both share; 0 if none."""
    for container in containers(host):
        for port in container.published.values() if container.running else ():
            if port != registry.port and _is_page(host, "http", port):
                return port
    return registry.port if _is_page(host, registry.scheme, registry.port) else 0


def _is_page(host: Shell, scheme: str, port: int) -> bool:
    """Whether a page is served there, to others as well: a registry has nothing at its root."""
    answer = curl(host, f"{scheme}://{host.address}:{port}/", options=["-k"], again=False)
    return answer.status == 200 and "<html" in answer.body.lower()


def _names_on(client: Shell, wanted: Wanted) -> list[str]:
    """Each HOST:PORT under which the client has tagged an image that is meant."""
    names = [
        tag.rpartition("/")[0].partition("/")[0]
        for image in images(client)
        for tag in (*image.tags, *image.digests)
        if wanted(tag)
    ]
    return [name for name in dict.fromkeys(names) if ":" in name]


def _best_name(names: list[str], host: str, port: int) -> str:
    """The name that means this port of this host; what else was tagged is of another time."""
    usual = f"{host}:{port}"
    if usual in names:
        return usual
    return next((name for name in names if name.endswith(f":{port}")), usual)


def _credentials(client: Shell, registry: str) -> tuple[str, str] | None:
    """What `docker login` left in the client's configuration, the user's or root's."""
    for sudo in (False, True):
        text = (
            client.read("/root/.docker/config.json", root=True)
            if sudo
            else client.ask("cat ~/.docker/config.json").stdout
        )
        stored = within(as_json(text or "{}"), "auths", registry, "auth")
        try:
            user, _colon, password = base64.b64decode(str(stored or "")).decode().partition(":")
        except ValueError:
            continue
        if user:
            return user, password
    return None
