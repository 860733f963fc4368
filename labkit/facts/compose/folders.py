"""Volumes that are folders of the machine, told as the mounts of these folders that they are.

Docker's local driver mounts what its options say (docker volume create, "Driver-specific options"),
so that `{type: none, o: bind, device: FOLDER}` is a bind mount by another name, and is to be judged
as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labkit.facts.foreign import within

OPTIONS = {"type", "o", "device"}
BINDS = {"bind", "rbind"}
ACCESS = {"rw", "ro"}


@dataclass(frozen=True)
class Folder:
    """A folder of the machine, as a volume names it."""

    path: str
    read_only: bool


def folder_of(volume: Any) -> Folder | None:
    """The folder that a volume is; None for any other volume, or one that asks for more."""
    options = within(volume, "driver_opts")
    if not isinstance(options, dict) or options.keys() - OPTIONS:
        return None
    how = set(str(options.get("o", "")).split(","))
    path = str(options.get("device", ""))
    is_bind = how & BINDS and how <= BINDS | ACCESS
    is_local = (within(volume, "driver") or "local") == "local"
    is_plain = options.get("type", "none") in ("none", "bind")
    return Folder(path, "ro" in how) if is_bind and is_local and is_plain and path else None


def mount_folders(document: dict[str, Any]) -> None:
    """Write a project's volumes that are folders as mounts of them, in place.

    One that no service mounts stays, one whose place depends on where Docker was started, and one
    of which a service mounts a part: a mount of a folder has no such thing.
    """
    volumes = within(document, "volumes")
    if not isinstance(volumes, dict):
        return
    known = {name: found for name, one in volumes.items() if (found := folder_of(one))}
    folders = {name: found for name, found in known.items() if found.path.startswith("/")}
    using = [(one["source"], one) for one in _mounts(document) if one.get("source") in folders]
    in_parts = {name for name, mount in using if within(mount, "volume", "subpath")}
    for name, mount in using:
        if name not in in_parts:
            mount.pop("volume", None)
            mount |= {"type": "bind", "source": folders[name].path}
            mount |= {"bind": {"create_host_path": False}}  # Docker makes no folder for a volume
            mount |= {"read_only": True} if folders[name].read_only else {}
            volumes.pop(name, None)


def _mounts(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The services' mounts of volumes with a name."""
    services = within(document, "services")
    for service in services.values() if isinstance(services, dict) else ():
        mounts = within(service, "volumes")
        for mount in mounts if isinstance(mounts, list) else ():
            if within(mount, "type") == "volume" and isinstance(mount.get("source"), str):
                yield mount
