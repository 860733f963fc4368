"""Faults in docker-compose-registry.yml."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from checks.mutations.compose import changed, having, on, other_policy, without
from checks.mutations.planting import Artefact, ended
from checks.mutations.yamls import (
    Change,
    Map,
    edits,
    first,
    give,
    misspelt,
    mounts,
    ports,
    read_only,
    remove,
    reorder,
    separate,
    services,
    set_variable,
    tab,
    target,
    unclosed_quote,
    variables,
    with_inside,
)
from labkit.facts.registry import is_registry

planted = Artefact("registry", "docker-compose-registry.yml")

PROXY = "NGINX_PROXY_PASS_URL"
PASSWORDS = "REGISTRY_AUTH_HTPASSWD_PATH"
CERTIFICATE = "REGISTRY_HTTP_TLS_CERTIFICATE"
REALM = "REGISTRY_AUTH_HTPASSWD_REALM"
STORAGE = "/var/lib/registry"


def registry(document: Map) -> Map:
    """The registry's service; a map of its own if there is none."""
    return first(document, lambda one: is_registry(str(one.get("image", ""))))


def page(document: Map) -> Map:
    """The service of its page; a map of its own if there is none."""
    return first(document, lambda one: "registry-ui" in str(one.get("image", "")))


def url(pattern: str, new: str) -> Change:
    """The address by which the page's server reaches the registry, changed."""

    def change(document: Map) -> None:
        ui = page(document)
        now = variables(ui).get(PROXY, "")
        set_variable(ui, PROXY, re.sub(pattern, new, now))

    return change


def published(change: Change) -> Change:
    """A change where the registry has a port of its own; elsewhere it is reached by its page."""

    def apply(document: Map) -> None:
        if registry(document).get("ports"):
            change(document)

    return apply


def other_scheme(document: Map) -> None:
    """http for https, and the other way round."""
    tls = variables(page(document)).get(PROXY, "").startswith("https")
    url(r"\Ahttps?", "http" if tls else "https")(document)


def variable(name: str, change: Callable[[str], str]) -> Change:
    """Another value for one of the registry's settings."""

    def apply(document: Map) -> None:
        one = registry(document)
        set_variable(one, name, change(variables(one).get(name, "")))

    return apply


def no_variable(name: str) -> Change:
    """A setting of the registry's left out."""

    def apply(document: Map) -> None:
        given = registry(document).get("environment")
        if isinstance(given, dict):
            given.pop(name, None)
        elif given:
            given[:] = [one for one in given if not str(one).startswith(f"{name}=")]

    return apply


def not_mounted(setting: str) -> Change:
    """The mount that a setting points into, left out."""

    def apply(document: Map) -> None:
        path = variables(registry(document)).get(setting, "")
        mounts(registry(document), lambda one: None if path and _holds(one, path) else one)

    return apply


def _holds(mount: Any, path: str) -> bool:
    return path == target(mount) or path.startswith(f"{target(mount)}/")


def storage_read_only(document: Map) -> None:
    """What was pushed cannot be written."""
    mounts(registry(document), lambda one: read_only(one) if target(one) == STORAGE else one)


def service_renamed(document: Map) -> None:
    """The registry's service under a name that the page does not know."""
    host = re.sub(r"\A\w+://|[:/].*\Z", "", variables(page(document)).get(PROXY, ""))
    if host not in services(document) or "container_name" in registry(document):
        return
    pairs = document["services"].items()
    document["services"] = {"store" if name == host else name: one for name, one in pairs}
    needed = page(document).get("depends_on")
    if isinstance(needed, list):
        page(document)["depends_on"] = ["store" if name == host else name for name in needed]
    else:
        page(document).pop("depends_on", None)


def undefined_volume(document: Map) -> None:
    """A named volume that is defined nowhere."""
    if any(re.match(r"[\w-]+:", str(one)) for one in registry(document).get("volumes") or []):
        document.pop("volumes", None)


def page_elsewhere(service: Map) -> None:
    """The page on another port of the machine."""
    ports(service, lambda one: re.sub(r"\A\d+(?=:80\Z)", "8088", str(one)))


def other_title(document: Map) -> None:
    """Another title of the page."""
    set_variable(page(document), "REGISTRY_TITLE", "My registry")


def unpublished(document: Map) -> None:
    """The registry without a port, behind a page that leaves it to its visitors to ask it."""
    given = variables(page(document))
    if registry(document).pop("ports", None) and given.pop(PROXY, ""):
        give(page(document), given | {"REGISTRY_URL": "https://lb:5000"})


def behind_its_page(document: Map) -> None:
    """The registry without a port of its own, behind a page that passes requests on."""
    if PROXY in variables(page(document)):
        registry(document).pop("ports", None)


MUTATIONS = (
    planted("tab", "registry.answers", tab, "A tab where YAML wants spaces."),
    planted("unclosed-quote", "registry.answers", unclosed_quote, "A quote is not closed."),
    planted("key-misspelt", "registry.answers",
            misspelt(("volumes", "volume"), ("ports", "port"), ("environment", "environnement")),
            "A key of a service is misspelt."),
    planted("volume-undefined", "registry.answers", edits(undefined_volume),
            "A named volume is used that is defined nowhere."),
    planted("no-port", "registry.answers", edits(unpublished),
            "The registry is published neither by itself nor by its page."),
    planted("port-inside", "registry.answers",
            edits(on(registry, lambda one: ports(one, lambda port: with_inside(port, "5001")))),
            "A port is published on which the registry does not listen."),
    planted("other-image", "registry.answers", edits(on(registry, changed("image", "php:apache"))),
            "The image is no registry."),
    planted("no-certificate", "registry.answers",
            edits(variable(CERTIFICATE, lambda path: path.replace("/", "/srv/", 1)),
                  not_mounted(CERTIFICATE)),
            "The certificate is not where the registry looks for it."),
    planted("no-realm", "registry.answers", edits(no_variable(REALM)),
            "The realm is forgotten, without which the registry does not start."),
    planted("privileged", "registry.answers", edits(on(registry, having("privileged", True))),
            "The registry may do anything to the machine: it is not started."),
    planted("ends-at-once", "registry.answers", edits(on(registry, having("command", ["help"]))),
            "The container has another command, which ends at once."),
    planted("passwords-elsewhere", "registry.pushed",
            edits(variable(PASSWORDS, lambda path: path.replace("/", "/srv/", 1)),
                  not_mounted(PASSWORDS)),
            "The users are not where the registry looks for them: it makes up one of its own."),
    planted("storage-read-only", "registry.pushed", edits(storage_read_only),
            "The registry cannot write what is pushed."),
    planted("no-page", "registry-ui.page", edits(lambda one: remove(one, page(one))),
            "The page's service is missing."),
    planted("no-page-port", "registry-ui.page", edits(on(page, without("ports"))),
            "The page's port is not published."),
    planted("page-port-inside", "registry-ui.page",
            edits(on(page, lambda one: ports(one, lambda port: with_inside(port, "8080")))),
            "A port is published on which the page's server does not listen."),
    planted("page-ends-at-once", "registry-ui.page",
            edits(on(page, having("command", ["true"]))),
            "The page's container has another command, which ends at once."),
    planted("proxy-host", "registry-ui.shows", edits(published(url(r"(//[^/:]+)", r"\1-server"))),
            "The page's server asks a name that nobody has."),
    planted("proxy-port", "registry-ui.shows",
            edits(published(url(r"(//[^/:]+)(:\d+)?", r"\1:5001"))),
            "The page's server asks a port on which the registry does not listen."),
    planted("proxy-scheme", "registry-ui.shows", edits(published(other_scheme)),
            "The page's server does not speak what the registry speaks."),
    planted("service-renamed", "registry-ui.shows", edits(published(service_renamed)),
            "The registry's service has another name than the page's server asks."),
    planted("networks-apart", "registry-ui.shows",
            edits(published(lambda one: separate(one, registry(one), page(one)))),
            "Registry and page are on networks of their own."),
    planted.same("comment", ended("# The end."), "A comment at the end.",
                 "YAML does not read comments."),
    planted.same("reordered", edits(reorder), "Services and keys in another order.",
                 "The order of YAML's keys means nothing."),
    planted.same("other-policy", edits(on(registry, other_policy), on(page, other_policy)),
                 "always in place of unless-stopped, or the reverse.",
                 "They differ only for what was stopped by hand."),
    planted.same("page-elsewhere", edits(on(page, page_elsewhere)),
                 "The page on another port of lb.", "Its port is the student's to choose."),
    planted.same("behind-its-page", edits(behind_its_page), "The registry's port is its page's.",
                 "The page passes pushes and pulls on."),
    planted.same("other-title", edits(other_title), "Another title.",
                 "Its title is the student's to choose."),
)  # fmt: skip
