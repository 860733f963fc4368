"""The lab's subnet: what the host uses already, and what is left for a lab."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from labkit.course import find_blueprint
from labkit.course.blueprint import MOST
from labkit.errors import NotReadyError, UsageError
from labkit.lab.common import address
from labkit.lab.containers.network import (
    INNER_BRIDGE,
    INNER_POOL,
    MIRROR_ADDRESS,
    POOL,
    free_subnets,
    host_routes,
    network_name,
)

HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
# As on a laptop: a default route, docker0, a lab's bridge, a host route of a VPN, the Wi-Fi.
LAPTOP = HEADER + (
    "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
    "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    "br-9f2\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    "tun0\t050A4D0A\t00000000\t0005\t0\t0\t50\tFFFFFFFF\t0\t0\t0\n"
    "wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"
)
# What OpenVPN's redirect-gateway def1 adds: the default route in two halves.
HALVES = HEADER + (
    "tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"
    "tun0\t00000080\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"
)


def net(text: str) -> IPv4Network:
    return IPv4Network(text)


def test_routes_are_read_in_the_kernels_byte_order_the_default_route_apart() -> None:
    assert host_routes(LAPTOP) == [
        net("172.17.0.0/16"),
        net("10.77.0.0/24"),
        net("10.77.10.5/32"),
        net("192.168.1.0/24"),
    ]


@pytest.mark.parametrize("table", ["", HEADER, HEADER + "\n", HEADER + "eth0\t00000000\n"])
def test_a_table_without_routes_has_none(table: str) -> None:
    assert host_routes(table) == []


def test_an_unused_computer_offers_the_pool_from_its_beginning() -> None:
    free = free_subnets([])
    assert free[0] == net("10.77.0.0/24")
    assert len(free) == 256
    assert {subnet.prefixlen for subnet in free} == {24}
    assert all(subnet.subnet_of(POOL) for subnet in free)


def test_what_is_in_use_is_left_out_however_small_or_large() -> None:
    free = free_subnets(host_routes(LAPTOP))
    assert net("10.77.0.0/24") not in free, "another lab's"
    assert net("10.77.10.0/24") not in free, "one address of it is used"
    assert free[0] == net("10.77.1.0/24")
    assert len(free) == 254
    assert free_subnets([net("10.77.0.0/17")])[0] == net("10.77.128.0/24")


def test_a_full_pool_is_said_with_what_to_type() -> None:
    for used in ([POOL], list(POOL.subnets(new_prefix=24)), [net("10.0.0.0/8")]):
        with pytest.raises(NotReadyError, match="no free address range is left") as caught:
            free_subnets(used)
        assert str(POOL) in caught.value.what
        assert "labkit leftovers" in caught.value.then
        assert "LABKIT_SUBNET=" in caught.value.then


def test_a_vpns_default_route_in_two_halves_does_not_fill_the_pool() -> None:
    assert free_subnets(host_routes(HALVES))


def test_a_wanted_range_is_the_only_one_offered() -> None:
    assert free_subnets([net("10.77.0.0/24")], "10.88.0.0/24") == [net("10.88.0.0/24")]
    assert free_subnets([], "192.168.200.0/28") == [net("192.168.200.0/28")]


def test_a_wanted_range_in_use_names_who_uses_it() -> None:
    with pytest.raises(NotReadyError, match=r"10\.88\.0\.0/24 is in use .*\(10\.88\.0\.128/25\)"):
        free_subnets([net("10.1.0.0/24"), net("10.88.0.128/25")], "10.88.0.0/24")


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("home", "is not an IPv4 network"),
        ("10.88.0.0/33", "is not an IPv4 network"),
        ("10.88.0.5/24", "has host bits set"),
        ("fd00::/64", "is not an IPv4 network"),
        ("10.88.0.0/29", "too small"),
        ("10.88.0.1", "too small"),
    ],
)
def test_a_wanted_range_that_cannot_be_one_is_refused_with_an_example(
    wanted: str, why: str
) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        free_subnets([], wanted)
    assert caught.value.then == "LABKIT_SUBNET=10.88.0.0/24"


@pytest.mark.parametrize("wanted", ["172.26.0.0/24", "172.27.16.0/24"])
def test_a_wanted_range_that_docker_uses_inside_a_machine_is_refused(wanted: str) -> None:
    with pytest.raises((UsageError, NotReadyError)):
        free_subnets([], wanted)


def test_the_pool_and_dockers_ranges_inside_the_machines_are_apart() -> None:
    for number in range(MOST):
        assert not IPv4Network(INNER_BRIDGE.format(number), strict=False).overlaps(POOL)
        assert not IPv4Network(INNER_POOL.format(number * 16)).overlaps(POOL)


def test_every_machine_has_an_address_of_its_own_in_the_smallest_range() -> None:
    """The first address is the bridge's, the last one the broadcast's."""
    subnet = free_subnets([], "10.88.0.16/28")[0]
    numbers = [MIRROR_ADDRESS, *(one.address for one in find_blueprint().machines)]
    given = [IPv4Address(address(subnet, number)) for number in numbers]
    assert len(set(given)) == len(numbers)
    assert set(given) <= set(list(subnet.hosts())[1:])
    assert address(net("10.77.3.0/24"), 11) == "10.77.3.11"


def test_labs_have_networks_of_different_names() -> None:
    assert network_name("one") != network_name("two")
    assert network_name("one").startswith("labkit-"), "leftovers looks for this prefix"
