"""The lab's own network: a bridge with a subnet that nothing else on the host uses."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import docker
from docker.errors import APIError
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from labkit.errors import NotReadyError, UsageError
from labkit.lab.containers.engine import explained
from labkit.lab.containers.listing import LAB_LABEL
from labkit.locale import _
from labkit.remote import to_its_end

Subnet = ipaddress.IPv4Network

# One /24 per lab; inside a machine Docker uses INNER, so that neither can shadow the other.
POOL = ipaddress.IPv4Network("10.77.0.0/16")
INNER_BRIDGE = "172.26.{}.1/24"
INNER_POOL = "172.27.{}.0/20"
INNER = ipaddress.IPv4Network("172.26.0.0/15")
NARROWEST_DEFAULT = 8  # a prefix shorter than this is no network of anybody's
MIRROR_ADDRESS = 2  # its last number


def host_routes(table: str) -> list[Subnet]:
    """The networks in a /proc/net/route table, default route apart.

    Columns: interface, destination, gateway, flags, ..., mask (the eighth), little-endian hex.
    """
    routes = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8 or fields[7] == "00000000":
            continue
        destination, mask = (
            ipaddress.IPv4Address(bytes.fromhex(fields[column])[::-1]) for column in (1, 7)
        )
        routes.append(ipaddress.IPv4Network(f"{destination}/{mask}", strict=False))
    # A VPN sends everything its way by two halves of the world: those are default routes, too.
    return [route for route in routes if route.prefixlen >= NARROWEST_DEFAULT]


def used_subnets(engine: docker.DockerClient) -> list[Subnet]:
    """Every IPv4 network that the host routes or that the engine has given away."""
    table = Path("/proc/net/route")
    used = host_routes(table.read_text()) if table.exists() else []
    for network in engine.networks.list():
        for config in (network.attrs.get("IPAM") or {}).get("Config") or []:
            subnet = ipaddress.ip_network(config.get("Subnet", "0.0.0.0/32"), strict=False)
            if isinstance(subnet, ipaddress.IPv4Network):
                used.append(subnet)
    return used


def free_subnets(used: Iterable[Subnet], wanted: str = "") -> list[Subnet]:
    """The subnets that a lab may take, best first; only the `wanted` one if that is given.

    Raises `UsageError` if `wanted` is no network of at least 16 addresses, `NotReadyError` if it
    or the whole pool is in use.
    """
    taken = list(used)
    if wanted:
        try:
            subnet = ipaddress.IPv4Network(wanted)
        except ValueError as error:
            raise UsageError(
                _("{wanted} is not an IPv4 network ({error})", wanted=wanted, error=error),
                then="LABKIT_SUBNET=10.88.0.0/24",
            ) from error
        if subnet.num_addresses < 16:
            raise UsageError(
                _("{wanted} is too small for a lab", wanted=wanted),
                then="LABKIT_SUBNET=10.88.0.0/24",
            )
        clash = next((other for other in (*taken, INNER) if other.overlaps(subnet)), None)
        if clash:
            raise NotReadyError(
                _(
                    "the address range {subnet} is in use on this computer ({clash})",
                    subnet=subnet,
                    clash=clash,
                ),
                where="ip route; docker network ls",
                then=_("LABKIT_SUBNET=<a free range> labkit up, or leave LABKIT_SUBNET unset"),
            )
        return [subnet]
    free = [
        subnet
        for subnet in POOL.subnets(new_prefix=24)
        if not any(other.overlaps(subnet) for other in taken)
    ]
    if not free:
        raise NotReadyError(
            _("no free address range is left in {pool}", pool=POOL),
            where="ip route; docker network ls",
            then=_("labkit leftovers, or LABKIT_SUBNET=<a free range> labkit up"),
        )
    return free


def network_name(lab: str) -> str:
    """The name of a lab's network on the engine."""
    return f"labkit-{lab}"


def find_network(engine: docker.DockerClient, lab: str) -> Network | None:
    """The lab's network, found by its label, or None."""
    found = engine.networks.list(filters={"label": f"{LAB_LABEL}={lab}"})
    return found[0] if found else None


def subnet_of(network: Network) -> Subnet:
    """The subnet of a network that `ensure_network` made."""
    return ipaddress.IPv4Network(network.attrs["IPAM"]["Config"][0]["Subnet"])


def ensure_network(engine: docker.DockerClient, lab: str) -> Subnet:
    """Make the lab's network if it does not exist; its subnet."""
    existing = find_network(engine, lab)
    if existing:
        return subnet_of(existing)
    return make_network(engine, lab, os.environ.get("LABKIT_SUBNET", ""))


def make_network(engine: docker.DockerClient, lab: str, wanted: str = "") -> Subnet:
    """Make a lab's network, with the `wanted` subnet or any that is free; its subnet."""
    for subnet in free_subnets(used_subnets(engine), wanted):
        pool = IPAMPool(subnet=str(subnet), gateway=str(subnet.network_address + 1))
        try:
            create = partial(
                engine.networks.create,
                network_name(lab),
                driver="bridge",
                ipam=IPAMConfig(pool_configs=[pool]),
                labels={LAB_LABEL: lab},
                check_duplicate=True,
            )
            to_its_end(create)
        except APIError as error:
            if "overlaps" in str(error.explanation):
                continue  # another lab took it between the look and the grasp
            with explained(_("making the lab's network")):
                raise
        return subnet
    raise NotReadyError(
        _("every address range was taken while the lab came up"), then=_("labkit up, once more")
    )
