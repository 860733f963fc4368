"""Is this computer fit for the embedded lab? Each answer with its reason and its remedy."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import LabkitError
from labkit.lab.containers.endpoint import inside
from labkit.lab.containers.engine import (
    CAPABILITIES,
    bounding_set,
    capabilities,
    connect,
    has_control_groups,
    on_its_disk,
)
from labkit.lab.containers.network import free_subnets, used_subnets
from labkit.lab.containers.provider import ROOM_BYTES
from labkit.lab.reach import Reach, reach
from labkit.locale import _, number

MEMORY_A_NODE = 680 * 2**20  # bytes: itself 130 MiB, what runs on it about 350 MiB, and room
OLDEST_ENGINE = (20, 10)
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
# A node's systemd and its services keep eight to nine: fifteen machines used up the kernel's usual
# 128 (measured).
INOTIFY_A_NODE = 9


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `fix` is what to type when it is not fit."""

    what: str
    fit: bool
    seen: str
    fix: str = ""


def examine(nodes: int) -> list[Finding]:
    """What `labkit up` relies on for a lab of so many nodes; nothing is changed by looking."""
    findings = [_memory(nodes), _ssh()]
    try:
        engine = connect()
    except LabkitError as error:
        return [Finding("Docker Engine", False, error.what, error.then), *findings]
    info = engine.info()
    way = reach(asking=True)
    version = str(info.get("ServerVersion", ""))
    numbers = tuple(int(part) for part in version.split("+")[0].split(".")[:2] if part.isdigit())
    root = on_its_disk(engine)
    free = shutil.disk_usage(root).free if root else 0
    mask = bounding_set()
    missing = sorted(set(CAPABILITIES) - set(capabilities(mask)))
    try:
        subnet, taken = str(free_subnets(used_subnets(engine))[0]), ""
    except LabkitError as error:
        subnet, taken = "", error.what
    images = [tag for image in engine.images.list("labkit/node") for tag in image.tags
              if "rehearsal" not in tag]  # fmt: skip
    maker = shutil.which("mmdebstrap") or ""
    asked = [
        Finding("Docker Engine", numbers >= OLDEST_ENGINE, version,
                _("make engine, or a newer engine: https://docs.docker.com/engine/install/")),
        Finding(_("way to the machines"), True, _words(way)),
        Finding(_("storage driver"), info.get("Driver") in ("overlay2", "overlayfs"),
                str(info.get("Driver"))),
        Finding(_("control groups"), has_control_groups(info),
                _("version {version}", version=info.get("CgroupVersion", "1"))
                if has_control_groups(info) else _("none: the engine is rootless"),
                _("a Docker Engine that is not rootless")),
    ]  # fmt: skip
    if way.way == "controller" and not inside():  # the rest is the other computer's to say
        return [*asked, _client()]
    return [
        *asked,
        Finding(_("capabilities"), "SYS_ADMIN" not in missing and "NET_ADMIN" not in missing,
                _("all but {names}", names=", ".join(missing)) if missing else _("all"),
                _("a Docker Engine that is not rootless")),
        Finding(_("disk"), free >= ROOM_BYTES or not root,
                _("{room:.0f} GiB free", room=free / 2**30) if root else _("not known"),
                _("docker system df, then docker system prune")),
        Finding(_("address range"), bool(subnet), subnet or taken, _("LABKIT_SUBNET=<a free /24>")),
        Finding(_("node image"), bool(images or maker),
                images[0] if images else _("built at the first labkit up"),
                "sudo apt-get install mmdebstrap"),
        _inotify(nodes),
        *findings,
    ]  # fmt: skip


def _inotify(nodes: int) -> Finding:
    """How many file watchers root may have, on which every node's systemd relies."""
    try:
        limit = int(INOTIFY.read_text())
    except (OSError, ValueError):
        return Finding("inotify", True, _("not known"))
    return Finding(
        "inotify", limit >= nodes * INOTIFY_A_NODE,
        _("{limit} instances: enough for {labs} labs at once", limit=limit,
          labs=limit // (nodes * INOTIFY_A_NODE)),
        "sudo sysctl -w fs.inotify.max_user_instances=1024",
    )  # fmt: skip


def _memory(nodes: int) -> Finding:
    if sys.platform == "win32":
        return Finding(_("memory"), True, _("not known"))
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Finding(
        _("memory"), total >= nodes * MEMORY_A_NODE,
        _("{size} GiB", size=number(total / 2**30, ".1f")),
        _(
            "close other programs: the lab needs {size} GiB",
            size=number(nodes * MEMORY_A_NODE / 2**30, ".0f"),
        ),
    )  # fmt: skip


def _words(way: Reach) -> str:
    kind = _("direct") if way.way == "direct" else _("by a controller")
    return f"{kind}   ({way.why})"


def _client() -> Finding:
    """Docker's own program, which connects the terminal to a controller."""
    path = shutil.which("docker") or ""
    return Finding(_("docker client"), bool(path), path or _("missing"),
                   "https://docs.docker.com/engine/install/")  # fmt: skip


def _ssh() -> Finding:
    path = shutil.which("ssh") or ""
    return Finding(_("ssh client"), bool(path), path or _("missing"),
                   "sudo apt-get install openssh-client")  # fmt: skip
