"""The addresses of a lab's machines, and the ranges that VirtualBox allows for them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from labkit.errors import NotReadyError, UsageError
from labkit.locale import _

Subnet = ipaddress.IPv4Network

# What VirtualBox allows where no file says otherwise, since its release 6.1.28:
# https://www.virtualbox.org/manual/ch06.html#network_hostonly
POOL = ipaddress.IPv4Network("192.168.56.0/21")
ALLOWED_FILE = Path("/etc/vbox/networks.conf")


def parse_subnet(text: str) -> Subnet:
    """A subnet as a person writes it.

    Raises `UsageError` unless it is a /24: the Vagrantfile counts on Vagrant's default mask.
    """
    then = f"LABKIT_SUBNET={POOL.network_address}/24"
    try:
        subnet = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise UsageError(
            _("{wanted} is not an IPv4 network ({error})", wanted=text, error=error), then=then
        ) from error
    if subnet.prefixlen != 24:
        raise UsageError(
            _("with Vagrant a lab's network is a /24, which {wanted} is not", wanted=text),
            then=then,
        )
    return subnet


def parse_mirror(text: str) -> str:
    """A registry as an engine's `registry-mirrors` names it, http[s]://HOST[:PORT]; "" stays "".

    Raises `UsageError` for anything else: an engine refuses to start on a mirror with a path.
    """
    mirror = text.strip().rstrip("/")
    parts = urlsplit(mirror)
    if mirror and (
        parts.scheme not in ("http", "https")
        or not parts.netloc
        or any((parts.path, parts.query, parts.fragment))
    ):
        raise UsageError(
            _("LABKIT_MIRROR={address} is not the address of a registry", address=text),
            then="LABKIT_MIRROR=http://HOST:5000 labkit up --provider vagrant",
        )
    return mirror


def choose_subnet(taken: Iterable[Subnet], wanted: str = "") -> Subnet:
    """The subnet for a new lab: the `wanted` one, else the first of the pool that no lab has.

    Raises `UsageError` if `wanted` cannot be used, `NotReadyError` if another lab has it or if
    the pool is used up.
    """
    others = set(taken)
    if wanted:
        subnet = parse_subnet(wanted)
        if subnet in others:
            raise NotReadyError(
                _("another lab has the network {subnet}", subnet=subnet),
                then=_("unset LABKIT_SUBNET, then labkit up"),
            )
        return subnet
    for subnet in POOL.subnets(new_prefix=24):
        if subnet not in others:
            return subnet
    raise NotReadyError(
        _("every network in {pool} belongs to a lab already", pool=POOL),
        then=_("labkit --lab <one that you no longer need> destroy"),
    )


def allowed_ranges(text: str | None) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The ranges in the text of networks.conf (None: no such file), read as VirtualBox does.

    A line counts only if it begins with a star; one without it, or a file of another name, is
    the usual reason why a change there seems to do nothing.
    """
    if text is None:
        return [POOL]
    words = [
        word
        for line in text.splitlines()
        if line.strip().startswith("*")
        for word in line.strip()[1:].split()
    ]
    ranges = []
    for word in words:
        try:
            ranges.append(ipaddress.ip_network(word, strict=False))
        except ValueError:
            continue  # VirtualBox will say so in its own words
    return ranges


def networks_conf(subnet: Subnet, text: str | None = None) -> str:
    """The whole content that networks.conf must have for `subnet`; what it has now stays."""
    if text is not None and text.strip():
        return f"{text.rstrip()}\n* {subnet}\n"
    wanted = [POOL] if subnet.subnet_of(POOL) else [POOL, subnet]
    return "".join(f"* {each}\n" for each in wanted)


def range_refused(subnet: Subnet, file: Path = ALLOWED_FILE) -> NotReadyError:
    """The error that says exactly what to write, and into which file."""
    text = file.read_text(encoding="utf-8") if file.exists() else None
    return NotReadyError(
        _("VirtualBox does not allow host-only networks in {subnet}", subnet=subnet),
        where=str(file),
        then=_(
            "make {file} hold exactly this (as root), then labkit up:\n{content}",
            file=file,
            content=networks_conf(subnet, text),
        ),
    )


def require_allowed(subnet: Subnet, file: Path = ALLOWED_FILE) -> None:
    """NotReadyError if VirtualBox would refuse `subnet`; asked before minutes are spent."""
    text = file.read_text(encoding="utf-8") if file.exists() else None
    for each in allowed_ranges(text):
        if isinstance(each, ipaddress.IPv4Network) and subnet.subnet_of(each):
            return
    raise range_refused(subnet, file)
