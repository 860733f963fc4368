"""What a registry's page tells the browser, and whether the registry answers that."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from checks.test_09_registry_ui import _asks_registry_itself, _is_its_own, address_told


@pytest.mark.parametrize(
    ("said", "address"),
    [
        (
            '<docker-registry-ui registry-url="http://localhost:5000" name="x">',
            "http://localhost:5000",
        ),
        ("<docker-registry-ui registry-url='https://registry:5000'>", "https://registry:5000"),
        ('{"registryUrl": "http://10.0.0.1:5000", "theme": "auto"}', "http://10.0.0.1:5000"),
        ('{"title": "x", "registry": "http://localhost:5001"}', "http://localhost:5001"),
        ("<p>Registry: http://example.org</p>", ""),
        ('<docker-registry-ui registry-url="" pull-url="http://lb">', ""),
        ("<p>See https://docs.docker.com/registry/</p>", ""),
        ("", ""),
    ],
)
def test_the_address_that_a_browser_is_sent_to(said: str, address: str) -> None:
    assert address_told(said) == address


def allows(origin: str, said: str = "http://lb:5000", ui_port: int = 8080) -> bool:
    """Whether a page that says this gets what a registry answers with this header."""
    machines: Any = {"lb": SimpleNamespace(address="10.0.0.3")}
    answer = f"HTTP/1.1 200 OK\r\n{origin}\r\nX: y\r\n"
    registry: Any = SimpleNamespace(port=5000, headers=lambda *_asked: answer)
    return _asks_registry_itself(cast("Any", SimpleNamespace(machines=lambda: machines)), said,
                                 ui_port, registry)  # fmt: skip


ORIGIN = "Access-Control-Allow-Origin: "


def test_a_registry_allows_a_page_by_its_whole_origin_or_all() -> None:
    assert allows(f"{ORIGIN}*")
    assert allows(f"{ORIGIN.lower()}http://lb:8080")
    assert allows(f"{ORIGIN}http://10.0.0.3:8080", said="http://10.0.0.3:5000")
    assert allows(f"{ORIGIN}http://lb", ui_port=80)


@pytest.mark.parametrize(
    "origin",
    ["", "X-Other: *", f"{ORIGIN}http://lb", f"{ORIGIN}http://lb:8080/", f"{ORIGIN}http://localhost:8080",
     f"{ORIGIN}https://lb:8080", f"{ORIGIN}http://lb:8080\r\n{ORIGIN}http://web1"],
)  # fmt: skip
def test_another_origin_or_several_allow_nobody(origin: str) -> None:
    assert not allows(origin)


def test_a_page_that_asks_another_port_does_not_ask_the_registry() -> None:
    assert not allows(f"{ORIGIN}*", said="http://lb:5001")


@pytest.mark.parametrize(
    ("address", "is_own"),
    [("http://lb:8080", True), ("http://lb:8080/", True), ("http://10.0.0.3:8080/x", True),
     ("http://lb:5000", False), ("http://lb:80801", False), ("http://registry:8080", False)],
)  # fmt: skip
def test_a_page_may_name_itself(address: str, is_own: bool) -> None:
    machines: Any = {"lb": SimpleNamespace(address="10.0.0.3")}
    lab = cast("Any", SimpleNamespace(machines=lambda: machines))
    assert _is_its_own(lab, address, 8080) is is_own
