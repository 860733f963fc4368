"""Faults in docker-compose.yml."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from checks.mutations.planting import Artefact, ended, sub
from checks.mutations.yamls import (
    Change,
    Map,
    edits,
    first,
    give,
    inside,
    misspelt,
    mounts,
    ports,
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
    with_target,
)
from subject.contract import API_PORT, DATA_FILE, HTTP_PORT
from subject.roles import is_student_age

planted = Artefact("compose", "docker-compose.yml")

PAGES = "/var/www/html"


def website(document: Map) -> Map:
    """The website's service; a map of its own if there is none.

    Of several with Apache it is the one that knows how to log in, as in `subject.roles`.
    """
    pages = filter(_is_apache, services(document).values())
    known: Map = max(
        pages, key=lambda one: "USERNAME" in str(one.get("environment", "")), default={}
    )
    return known or first(
        document, lambda one: any(target(mount).startswith("/var/www") for mount in _mounts(one))
    )


def api(document: Map) -> Map:
    """The API's service; a map of its own if there is none."""
    site = website(document)
    rest = [one for one in services(document).values() if one is not site]
    named = (one for one in rest if _is_named(one))
    made = (one for one in rest if "build" in one or "/data" in map(target, _mounts(one)))
    return next(named, None) or next(made, None) or (rest[0] if len(rest) == 1 else {})


def _is_apache(service: Map) -> bool:
    return bool(re.search(r"php|httpd|apache", str(service.get("image", ""))))


def _is_named(service: Map) -> bool:
    """Whether its image is called student-age; of `${NAME:-default}` the default counts."""
    image = re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", str(service.get("image", "")))
    return is_student_age(image)


def _mounts(service: Map) -> list[Any]:
    return service.get("volumes") or []


def on(role: Callable[[Map], Map], change: Change) -> Change:
    """A change of one of the services."""
    return lambda document: change(role(document))


def both_or_one(change: Change) -> tuple[Change, Change, Change]:
    """The same change in both services, in the website's alone, in the API's alone."""

    def both(document: Map) -> None:
        change(website(document))
        change(api(document))

    return both, on(website, change), on(api, change)


def without(*keys: str) -> Change:
    """A service without these keys."""
    return lambda service: [service.pop(key, None) for key in keys]


def having(key: str, value: Any) -> Change:
    """A service with another value for a key; none that does not exist."""
    return lambda service: service.update({key: value}) if service else None


def changed(key: str, value: Any) -> Change:
    """A service with another value for a key that it has."""
    return lambda service: service.update({key: value}) if key in service else None


def api_removed(document: Map) -> None:
    """Of two services, whatever they are called."""
    if len(services(document)) == 2:
        remove(document, api(document))


def website_removed(document: Map) -> None:
    """Where the API's service can still be told to be it, and no other is taken for the website."""
    pages = [one for one in services(document).values() if _is_apache(one)]
    if _is_named(api(document)) and len(pages) < 2:
        remove(document, website(document))


def mount_moved(role: Callable[[Map], Map], old: str, new: str) -> Change:
    """A mount at another place, or nowhere."""

    def change(document: Map) -> None:
        if role is website and not _is_apache(website(document)):
            return  # its mount is all that tells it
        mounts(role(document), lambda one: one if target(one) != old else (
            with_target(one, new) if new else None))  # fmt: skip

    return change


def image_without_apache(service: Map) -> None:
    """A bare system; the page's mount still tells that it is the website."""
    if any(target(one) == PAGES for one in _mounts(service)):
        changed("image", "debian:stable-slim")(service)


def port_moved(service: Map) -> None:
    """Apache's port taken for another one."""
    ports(service, lambda one: with_inside(one, "8080") if inside(one) == str(HTTP_PORT) else one)


def port_swapped(service: Map) -> None:
    """Both sides of a short `OUT:IN`, where they differ."""
    ports(service, lambda one: re.sub(r"\A(\d+):(\d+)\Z", r"\2:\1", str(one)))


def port_on_loopback(service: Map) -> None:
    """Published on the machine's own loopback."""
    ports(
        service,
        lambda one: (
            one | {"host_ip": "127.0.0.1"}
            if isinstance(one, dict)
            else re.sub(r"\A(?=[^:]+:\d+\Z)", "127.0.0.1:", str(one))
        ),
    )


def exposed(service: Map) -> None:
    """`expose` in place of `ports`."""
    if service.pop("ports", None):
        service["expose"] = [str(HTTP_PORT)]


def renamed(old: str, new: str) -> Change:
    """A variable under another name, or away."""

    def change(service: Map) -> None:
        given = variables(service)
        if old in given:
            kept = {new if name == old else name: value for name, value in given.items()}
            give(service, {name: value for name, value in kept.items() if name})

    return change


def given_to_api(document: Map) -> None:
    """The website's variables, in the API's service."""
    if "environment" in website(document) and api(document):
        api(document)["environment"] = website(document).pop("environment")


def undefined_network(document: Map) -> None:
    """A network that is defined nowhere."""
    if "network_mode" not in website(document):
        having("networks", ["nowhere"])(website(document))


def undefined_dependency(document: Map) -> None:
    """A service that does not exist."""
    having("depends_on", ["database"])(website(document))


def internal(document: Map) -> None:
    """The website's networks are cut off from the machine."""
    site = website(document)
    names = list(site.get("networks") or ["default"])
    defined = document.get("networks") or {}
    if site and "network_mode" not in site and not any(
        "external" in (defined.get(name) or {}) for name in names
    ):  # fmt: skip
        document["networks"] = defined | {
            name: {**(defined.get(name) or {}), "internal": True} for name in names
        }


def nameless(document: Map) -> None:
    """The services without the key above them."""
    found = document.pop("services", None) or {}
    document.update(found)


def socket_mounted(service: Map) -> None:
    """The engine of the machine in the container."""
    if service:
        socket = "/var/run/docker.sock:/var/run/docker.sock"
        service["volumes"] = [*_mounts(service), socket]


def as_list(service: Map) -> None:
    """The environment as a list."""
    if isinstance(service.get("environment"), dict):
        service["environment"] = [f"{key}={value}" for key, value in variables(service).items()]


def port_in_full(service: Map) -> None:
    """A published port in the long syntax."""

    def change(port: Any) -> Any:
        found = re.fullmatch(r"(\d+):(\d+)", str(port))
        return {"target": int(found[2]), "published": found[1]} if found else port

    ports(service, change)


def other_policy(service: Map) -> None:
    """always for unless-stopped, and the other way round."""
    others = {"always": "unless-stopped", "unless-stopped": "always"}
    now = service.get("restart", "")
    changed("restart", others.get(now, now))(service)


MUTATIONS = (
    planted("tab", "compose.valid", tab, "A tab where YAML wants spaces."),
    planted("unclosed-quote", "compose.valid", unclosed_quote, "A quote is not closed."),
    planted("key-misspelt", "compose.valid",
            misspelt(("volumes", "volume"), ("ports", "port"), ("environment", "environnement"),
                     ("image", "images")),
            "A key of a service is misspelt."),
    planted("no-services-key", "compose.valid", edits(nameless),
            "The services stand at the top, as twelve years ago."),
    planted("no-image", "compose.valid", edits(on(api, without("image", "build"))),
            "The API's service says neither which image nor how to build one."),
    planted("network-undefined", "compose.valid", edits(undefined_network),
            "A network is used that is defined nowhere."),
    planted("dependency-undefined", "compose.valid", edits(undefined_dependency),
            "The website depends on a service that does not exist."),
    planted("no-api", "compose.services", edits(api_removed), "The API's service is missing."),
    planted("no-website", "compose.services", edits(website_removed),
            "The website's service is missing."),
    planted("no-credentials", "compose.credentials",
            edits(on(website, without("environment")), on(website, renamed("USERNAME", "")),
                  on(website, renamed("PASSWORD", ""))),
            "The website is not given what the API asks for."),
    planted("variable-misspelt", "compose.credentials",
            edits(on(website, renamed("USERNAME", "USER_NAME")),
                  on(website, renamed("PASSWORD", "PASSWD"))),
            "A variable has another name than the page looks for."),
    planted("wrong-credentials", "compose.credentials",
            edits(on(website, lambda one: set_variable(one, "USERNAME", "tutu")),
                  on(website, lambda one: set_variable(one, "PASSWORD", "pyton"))),
            "The API does not know these credentials."),
    planted("credentials-to-api", "compose.credentials", edits(given_to_api),
            "The credentials are given to the API and not to the website."),
    planted("no-page", "compose.volumes", edits(mount_moved(website, PAGES, "")),
            "The page is not mounted."),
    planted("page-elsewhere", "compose.volumes", edits(mount_moved(website, PAGES, "/var/www")),
            "The page is mounted where Apache does not look."),
    planted("page-file-missing", "compose.volumes",
            sub(r"/index\.php(?=:/var/www/html/index\.php)", "/accueil.php"),
            "The file that is mounted as the page is not there."),
    planted("no-data", "compose.volumes",
            edits(mount_moved(api, DATA_FILE, ""), mount_moved(api, "/data", "")),
            "The API's data is not mounted."),
    planted("data-elsewhere", "compose.volumes",
            edits(mount_moved(api, DATA_FILE, "/data/students.json"),
                  mount_moved(api, DATA_FILE, "/app/student_age.json"),
                  mount_moved(api, "/data", "/app/data")),
            "The data is mounted where the API does not look."),
    planted("networks-apart", "compose.network",
            edits(lambda document: separate(document, website(document), api(document))),
            "Website and API are on networks of their own."),
    planted("no-ports", "compose.ports", edits(on(website, without("ports"))),
            "The website's port is not published."),
    planted("exposed", "compose.ports", edits(on(website, exposed)),
            "The port is exposed, which publishes nothing."),
    planted("port-inside", "compose.ports", edits(on(website, port_moved)),
            "A port is published on which Apache does not listen."),
    planted("ports-swapped", "compose.ports", edits(on(website, port_swapped)),
            "The two sides of the port are swapped."),
    planted("privileged", "compose.harmless", edits(*both_or_one(having("privileged", True))),
            "The container may do anything to the machine."),
    planted("docker-socket", "compose.harmless", edits(*both_or_one(socket_mounted)[1:]),
            "The container has the machine's Docker Engine."),
    planted("port-on-loopback", "deploy.running", edits(on(website, port_on_loopback)),
            "The website is published for the machine itself alone."),
    planted("network-internal", "deploy.running", edits(internal),
            "The network is internal, from which nothing is published."),
    planted("ends-at-once", "deploy.running",
            edits(*both_or_one(having("command", ["true"]))[1:]),
            "The container has another command, which ends at once."),
    planted("no-apache", "deploy.running", edits(on(website, image_without_apache)),
            "The website's image holds no web server, and its container ends at once."),
    planted("no-restart", "deploy.restart", edits(*both_or_one(without("restart"))),
            "A container is not started again."),
    planted("restart-no", "deploy.restart", edits(*both_or_one(changed("restart", "no"))),
            "A container is told not to be started again."),
    planted("restart-on-failure", "deploy.restart",
            edits(*both_or_one(changed("restart", "on-failure"))),
            "A container is started again after a crash, but not after a reboot."),
    planted.same("comment", ended("# The end."), "A comment at the end.",
                 "YAML does not read comments."),
    planted.same("reordered", edits(reorder), "Services and keys in another order.",
                 "The order of YAML's keys means nothing."),
    planted.same("other-policy", edits(both_or_one(other_policy)[0]),
                 "always in place of unless-stopped, or the reverse.",
                 "They differ only for what was stopped by hand."),
    planted.same("environment-as-list", edits(on(website, as_list)),
                 "The environment as a list.", "Compose reads a list as the map that it means."),
    planted.same("long-port", edits(on(website, port_in_full)), "The port in the long syntax.",
                 "Compose writes the short one out as this."),
    planted.same("api-published",
                 edits(on(api, lambda one: having("ports", [f"{API_PORT}:{API_PORT}"])(one)
                          if "ports" not in one else None)),
                 "The API's port is published as well.",
                 "Nothing asks that the API be hidden, and no other thing uses the port there."),
)  # fmt: skip
