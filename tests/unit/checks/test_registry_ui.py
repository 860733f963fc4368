"""What a registry's page tells the browser."""

from __future__ import annotations

import pytest

from checks.test_09_registry_ui import address_told


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
