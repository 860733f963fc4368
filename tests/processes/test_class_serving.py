"""The pages of a class are for whoever was told their address, on this computer, and to be read."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import requests

from labkit.classroom.serving import served
from labkit.errors import NotReadyError


@pytest.fixture
def address() -> Iterator[str]:
    """A page `class.html` that is served."""
    with served(0) as (server, folder, place):
        (folder / "class.html").write_text("marks", encoding="utf-8")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield place
        server.shutdown()


def asked(url: str, **settings: object) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False  # no proxy between this computer and itself
        return session.request(str(settings.pop("method", "GET")), url, timeout=5, **settings)  # type: ignore[arg-type]


def test_whoever_was_told_the_address_reads(address: str) -> None:
    found = asked(f"{address}/class.html")
    assert (found.status_code, found.text) == (200, "marks")
    assert found.headers["Cache-Control"] == "no-store"
    assert found.headers["Referrer-Policy"] == "no-referrer"


def test_nobody_is_told_what_there_is(address: str) -> None:
    root = address.rpartition("/")[0]
    for place in (root, f"{root}/", f"{address}/", f"{root}/class.html", f"{address}/../"):
        assert asked(place).status_code == 404, place


def test_another_name_for_this_computer_is_refused(address: str) -> None:
    found = asked(f"{address}/class.html", headers={"Host": "evil.example"})
    assert found.status_code == 403
    assert "marks" not in found.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(address: str, method: str) -> None:
    assert asked(f"{address}/class.html", method=method).status_code == 501


def test_a_port_that_is_taken_is_named(address: str) -> None:
    port = int(address.split(":")[2].split("/")[0])
    with pytest.raises(NotReadyError, match=str(port)), served(port):
        pass
