"""Can this process reach the machines, or must it work beside the engine?

Machines are containers on a bridge of the engine. Where the engine shares this computer's network
(Linux), their addresses are reached directly. Where it does not (Docker Desktop, Colima, an engine
behind ssh:// or tcp://, a rootless one), labkit works in a **controller**: a container of its own
in the engine's network (`labkit.lab.controller`). Which of them it is, is tried.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from labkit.cache import cache_root
from labkit.errors import NotReadyError, UsageError
from labkit.lab.containers.endpoint import INSIDE, endpoint, inside
from labkit.locale import _
from labkit.whole import write_whole

if TYPE_CHECKING:
    import docker

Way = Literal["direct", "controller"]
WISH = "LABKIT_REACH"


@dataclass(frozen=True)
class Reach:
    """The way to the machines, and why it is that one."""

    way: Way
    why: str


def reach(*, asking: bool = False) -> Reach:
    """The way to the machines from here: wished for, known of this engine, or tried now.

    `asking` asks the engine first whether it still is the one that is known. One that does not
    answer is left to whoever needs it next: the way is then direct, and is not remembered.
    UsageError for an unknown wish.
    """
    if inside():
        return Reach("controller", os.environ[INSIDE])
    wish = os.environ.get(WISH, "")
    if wish:
        if wish not in ("direct", "controller"):
            raise UsageError(
                _("{name}={value} is not a way to the machines", name=WISH, value=wish),
                then=f"{WISH}=controller, or {WISH}=direct",
            )
        return Reach(cast("Way", wish), _("{name} says so", name=WISH))
    known = _Known.read()
    if known is None or asking:
        try:
            known = _known_or_tried(known)
        except NotReadyError as error:
            return Reach("direct", error.what)
    way = known.way
    if way == "direct":
        return Reach(way, _("the engine's networks are on this computer"))
    return Reach(way, _("the engine's networks are not on this computer ({host})", host=endpoint()))


@dataclass(frozen=True)
class _Known:
    """What a trial has found, kept in the cache."""

    way: Way
    engine: str  # its own id

    @classmethod
    def read(cls) -> _Known | None:
        try:
            known = cls(**json.loads(_note().read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return known if known.way in ("direct", "controller") else None


def _known_or_tried(known: _Known | None) -> _Known:
    """What is known if it is of the engine that answers, else what a trial finds.

    NotReadyError as `connect` and `make_network`.
    """
    from labkit.lab.containers.engine import connect, explained

    engine = connect()
    with explained(_("trying which way leads to the machines")):
        name = str(engine.info().get("ID", ""))
        if known and known.engine == name:
            return known
        found = _Known(_tried(engine), name)
    with suppress(OSError):  # it is tried again next time
        write_whole(_note(), json.dumps(asdict(found)))
    return found


def _tried(engine: docker.DockerClient) -> Way:
    """Make a network for a moment and look whether its bridge is here.

    A new network has a subnet that neither side uses: no other bridge is taken for it.
    """
    from labkit.lab.containers.network import find_network, make_network

    trial = f"trial-{secrets.token_hex(4)}"  # as a lab's name, so that `labkit leftovers` knows it
    try:
        subnet = make_network(engine, trial)
        return "direct" if is_own(str(subnet.network_address + 1)) else "controller"
    finally:
        network = find_network(engine, trial)
        if network:
            network.remove()


def is_own(address: str) -> bool:
    """Whether an address is one of this computer's: it would then be its own to send from.

    Nothing is sent. (`bind` would do but for net.ipv4.ip_nonlocal_bind, which balancers set.)
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))
        except OSError:  # no way there at all
            return False
        return bool(probe.getsockname()[0] == address)


def _note() -> Path:
    return cache_root() / f"reach-{hashlib.sha256(endpoint().encode()).hexdigest()[:16]}.json"
