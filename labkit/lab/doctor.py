"""Is this computer fit for the embedded lab? Each answer with its reason and its remedy."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import LabkitError
from labkit.lab.containers.engine import CAPABILITIES, bounding_set, capabilities, connect
from labkit.lab.containers.network import free_subnets, used_subnets
from labkit.lab.containers.provider import ROOM_BYTES

MEMORY_BYTES = 2 * 2**30  # three nodes 400 MiB, what runs on them about 1 GiB
OLDEST_ENGINE = (20, 10)


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `fix` is what to type when it is not fit."""

    what: str
    fit: bool
    seen: str
    fix: str = ""


def examine() -> list[Finding]:
    """Everything that `labkit up` relies on, looked at without changing anything."""
    findings = [_memory(), _ssh()]
    try:
        engine = connect()
    except LabkitError as error:
        return [Finding("Docker Engine", False, error.what, error.then), *findings]
    info = engine.info()
    version = str(info.get("ServerVersion", ""))
    numbers = tuple(int(part) for part in version.split("+")[0].split(".")[:2] if part.isdigit())
    root = Path(str(info.get("DockerRootDir", "/")))
    free = shutil.disk_usage(root).free if root.exists() else 0
    mask = bounding_set()
    missing = sorted(set(CAPABILITIES) - set(capabilities(mask)))
    try:
        subnet, taken = str(free_subnets(used_subnets(engine))[0]), ""
    except LabkitError as error:
        subnet, taken = "", error.what
    images = [tag for image in engine.images.list("labkit/node") for tag in image.tags]
    maker = shutil.which("mmdebstrap") or ""
    return [
        Finding("Docker Engine", numbers >= OLDEST_ENGINE, version,
                "make engine, or a newer engine: https://docs.docker.com/engine/install/"),
        Finding("storage driver", info.get("Driver") in ("overlay2", "overlayfs"),
                str(info.get("Driver"))),
        Finding("control groups", True, f"version {info.get('CgroupVersion', '1')}"),
        Finding("capabilities", "SYS_ADMIN" not in missing and "NET_ADMIN" not in missing,
                f"all but {', '.join(missing)}" if missing else "all",
                "a Docker Engine that is not rootless"),
        Finding("disk", free >= ROOM_BYTES or not root.exists(), f"{free / 2**30:.0f} GiB free",
                "docker system df, then docker system prune"),
        Finding("address range", bool(subnet), subnet or taken, "LABKIT_SUBNET=<a free /24>"),
        Finding("node image", bool(images or maker),
                images[0] if images else "built at the first labkit up",
                "sudo apt-get install mmdebstrap"),
        *findings,
    ]  # fmt: skip


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Finding("memory", total >= MEMORY_BYTES, f"{total / 2**30:.1f} GiB",
                   "close other programs: the lab needs 2 GiB")  # fmt: skip


def _ssh() -> Finding:
    path = shutil.which("ssh") or ""
    return Finding("ssh client", bool(path), path or "missing",
                   "sudo apt-get install openssh-client")  # fmt: skip
