"""i) A web page shows what the registry holds."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from checks.judging import must_pass
from checks.pages import fetch, must_be_ok
from labkit.course import check, expect, not_met
from labkit.facts.http.pages import Page
from labkit.facts.registry import Registry, find_page
from labkit.grading import Context
from labkit.lab import Lab
from labkit.locale import _
from labkit.remote import Shell
from subject.contract import HTTP_PORT
from subject.roles import is_student_age, must_have_other_images

ALLOWED = re.compile(r"^access-control-allow-origin:[ \t]*(\S+)", re.M | re.I)
# joxit's page has it as an attribute; the settings of the lab's own, and of others, as JSON.
REGISTRY_ADDRESS = re.compile(
    r"""(?:registry[-_]?url|["']registry["'])["']?\s*[=:]\s*["']?(https?://[^\s"'<>,]+)""", re.I
)


@pytest.fixture(scope="session")
def ui_port(lb: Shell, registry: Registry, stood_in: bool) -> int:
    """The port of the registry's page on lb."""
    port = find_page(lb, registry)
    if not port:
        must_have_other_images(lb, stood_in=stood_in)
        not_met(
            expected=_("a web page on a published port of lb"),
            seen=_("no container on lb answers with a page"),
            where="lb $ docker ps",
        )
    return port


@check(
    points=0.5,
    needs="registry.answers",
    probes=(
        "The published ports of lb's containers, the registry's apart, are looked through for an "
        "HTML page; from outside it must answer with status 200 within 5 s, 12 s the second time."
    ),
    why=(
        "Before they deploy, people want to see which versions there are. Without a page they type "
        "API requests by heart, or guess."
    ),
    hints=[
        "Which port of lb shows the page in a browser?",
        "The page is a second service in docker-compose-registry.yml, with its port 80 published.",
        (
            "In docker-compose-registry.yml: image: joxit/docker-registry-ui:latest and ports: - "
            '"8080:80"; then cd /srv/registry && docker compose -f docker-compose-registry.yml up '
            "-d"
        ),
    ],
)
def test_page(lab: Lab, ui_port: int) -> None:
    """A web page for the registry is served on lb."""
    must_be_ok(fetch(lab, "lb", ui_port))


@check(
    points=0.25,
    needs=["registry-ui.page", "registry.pushed"],
    probes=(
        "/v2/_catalog is asked through the page's own server, as the page does in a browser: "
        "student-age must be in it. A page that sends the browser to the registry itself is "
        "accepted, too."
    ),
    why=(
        "A page that opens and stays empty is the usual fault: it was given another address, or "
        "speaks HTTP with a registry that speaks TLS."
    ),
    hints=[
        "Does the page list student-age, or an error?",
        "Its server passes requests on to the registry: NGINX_PROXY_PASS_URL names it.",
        "environment: NGINX_PROXY_PASS_URL: https://registry:5000   (http:// without TLS)",
    ],
)
def test_shows(lab: Lab, ui_port: int, registry: Registry) -> None:
    """The page shows the image student-age."""
    said = _settings(lab, fetch(lab, "lb", ui_port), ui_port)
    address = address_told(said)
    if address and not _is_its_own(lab, address, ui_port):
        # The browser goes to the registry itself, which test_pushed has asked already.
        expect(
            _asks_registry_itself(lab, said, ui_port, registry),
            expected=_("a registry that every visitor's browser can reach and may ask"),
            seen=_("the page sends the browser to {address}", address=address),
            where=f"http://lb:{ui_port}/",
        )
        return
    catalogue = fetch(lab, "lb", ui_port, "/v2/_catalog", auth=registry.user)
    expect(
        catalogue.status == 200 and _holds(catalogue),
        expected=_("student-age in what the page gets from the registry"),
        seen=_("status {status}: {body}", status=catalogue.status, body=catalogue.html[:160]),
        where=f"http://lb:{ui_port}/v2/_catalog",
    )


@check(
    points=0.25,
    needs="registry-ui.shows",
    drill="no-registry",
    probes=(
        "The drill no-registry stops the registry while its page is open: the page itself must go "
        "on being served, and what it says of the images must be an error until the registry is "
        "back."
    ),
    why=(
        "Whoever is shown yesterday's list believes that their image is there, and starts a "
        "deployment that must fail."
    ),
    hints=[
        "Stop the registry and look at its page: what does it say?",
        "Without a registry the page must show an error, and the list again once it is back.",
        (
            "NGINX_PROXY_PASS_URL: https://registry:5000 names the registry itself, no copy of "
            "what it held; then docker compose -f docker-compose-registry.yml up -d"
        ),
    ],
)
def test_honest(context_of_run: Context, note: Callable[[str], None]) -> None:
    """While the registry is stopped the page says so, and afterwards it shows the image again."""
    must_pass(context_of_run, "no-registry", note)


def _settings(lab: Lab, page: Page, ui_port: int) -> str:
    """The page, and the settings that it may fetch: where it sends the browser stands there."""
    settings = fetch(lab, "lb", ui_port, "/config.json")
    return page.html + (settings.html if settings.status == 200 else "")


def address_told(said: str) -> str:
    """The address of the registry that a page tells the browser; "" if it tells none."""
    told = REGISTRY_ADDRESS.search(said)
    return told[1] if told else ""


def _hosts(lab: Lab) -> tuple[str, str]:
    """What a visitor calls lb: the machine's name, and its address."""
    return "lb", lab.machines()["lb"].address


def _origins(lab: Lab, port: int) -> list[str]:
    """The origins of a page on a port of lb."""
    usual = "" if port == HTTP_PORT else f":{port}"
    return [f"http://{host}{usual}" for host in _hosts(lab)]


def _is_its_own(lab: Lab, address: str, ui_port: int) -> bool:
    """Whether an address that a page tells is its own."""
    return any(f"{address}/".startswith(f"{origin}/") for origin in _origins(lab, ui_port))


def _asks_registry_itself(lab: Lab, said: str, ui_port: int, registry: Registry) -> bool:
    """Whether the page sends the browser to the registry itself, which lets a page of lb ask.

    The registry must allow it (CORS: the Fetch standard, section 3.3), or no browser shows what it
    answers.
    """
    if not any(f"//{host}:{registry.port}" in said for host in _hosts(lab)):
        return False
    origins = _origins(lab, ui_port)
    headers = registry.headers("/v2/", f"Origin: {origins[0]}")
    return ALLOWED.findall(headers) in (["*"], *([origin] for origin in origins))


def _holds(catalogue: Page) -> bool:
    names = catalogue.html.replace('"', " ").replace("]", " ").split()
    return any(is_student_age(name) for name in names)
