"""Addresses, VirtualBox's ranges, and failures put into sentences."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from labkit.errors import NotReadyError, UsageError
from labkit.lab.vagrant.explain import explained
from labkit.lab.vagrant.network import (
    allowed_ranges,
    choose_subnet,
    networks_conf,
    require_allowed,
)

FIRST = IPv4Network("192.168.56.0/24")
OWN = IPv4Network("10.88.0.0/24")


def test_labs_side_by_side_have_a_network_each() -> None:
    assert choose_subnet([]) == FIRST
    assert choose_subnet([FIRST, OWN]) == IPv4Network("192.168.57.0/24")
    assert choose_subnet([FIRST], "10.88.0.0/24") == OWN


def test_the_ninth_lab_is_told_what_to_do() -> None:
    pool = list(IPv4Network("192.168.56.0/21").subnets(new_prefix=24))
    with pytest.raises(NotReadyError, match="destroy"):
        choose_subnet(pool)
    with pytest.raises(NotReadyError, match="another lab has"):
        choose_subnet([FIRST], "192.168.56.0/24")


@pytest.mark.parametrize("wanted", ["10.88.0.0/16", "10.88.0.5/24", "home", "fd00::/64"])
def test_a_network_that_the_vagrantfile_could_not_use_is_refused(wanted: str) -> None:
    with pytest.raises(UsageError, match="LABKIT_SUBNET="):
        choose_subnet([], wanted)


def test_without_a_file_virtualbox_allows_its_own_range_only(tmp_path: Path) -> None:
    file = tmp_path / "networks.conf"
    require_allowed(FIRST, file)
    with pytest.raises(NotReadyError) as caught:
        require_allowed(OWN, file)
    assert caught.value.where == str(file)
    assert caught.value.then.endswith(":\n* 192.168.56.0/21\n* 10.88.0.0/24\n")


def test_the_content_that_is_told_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "networks.conf"
    for before in (None, "* 10.0.0.0/24 2001::/64\n", "10.88.0.0/24\n", "# mine\n* nonsense"):
        file.write_text(networks_conf(OWN, before), encoding="utf-8")
        require_allowed(OWN, file)
        assert before is None or file.read_text(encoding="utf-8").startswith(before.strip())


def test_a_line_without_a_star_allows_nothing() -> None:
    assert allowed_ranges("10.88.0.0/24\n") == []


def test_a_file_that_shuts_out_the_default_range_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "networks.conf"
    file.write_text("* 10.0.0.0/24\n", encoding="utf-8")
    with pytest.raises(NotReadyError, match=r"\* 10\.0\.0\.0/24\n\* 192\.168\.56\.0/24"):
        require_allowed(FIRST, file)


def test_virtualbox_refusing_at_the_end_says_the_same() -> None:
    said = (
        "The IP address configured for the host-only network is not within the\n"
        "allowed ranges. Please update the address used to be within the allowed\n"
        "ranges and run the command again.\n\n  Address: 10.88.0.11\n  Ranges: 192.168.56.0/21\n"
    )
    error = explained(said, "starting web1", Path("/log"))
    assert "10.88.0.0/24" in error.what
    assert "networks.conf" in error.where
    assert "* 10.88.0.0/24\n" in error.then


def test_an_unknown_failure_keeps_vagrants_last_words() -> None:
    said = "".join(f"line {number}\n" for number in range(20))
    error = explained(said, "starting web1", Path("/log"))
    assert error.what == "Vagrant failed:\n" + "\n".join(f"line {n}" for n in range(12, 20))
    assert error.where == "starting web1; all of it: /log"
    assert "(it said nothing)" in explained("", "x", Path("/log")).what
