"""Volumes, configs and secrets that are mounts by another name, told as the mounts that they are.

Docker's local driver mounts what its options say (docker volume create, "Driver-specific options"),
so that `{type: none, o: bind, device: FOLDER}` is a bind mount, and is to be judged as one. So is a
config or a secret of a file: outside of a swarm Compose binds that file, read-only, and heeds no
uid, gid or mode (Compose's reference, "Services top-level elements", configs and secrets).
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


def mount_files(document: dict[str, Any]) -> None:
    """Write a project's configs and secrets that are files as mounts of these, in place.

    What else they can be, a text or a variable, stays; so does what nobody asks for.
    """
    for kind, place in (("configs", "/"), ("secrets", "/run/secrets/")):
        known = within(document, kind)
        files = {
            name: str(one["file"])
            for name, one in (known.items() if isinstance(known, dict) else ())
            if str(within(one, "file") or "").startswith("/")
        }
        for service in _services(document):
            asked = within(service, kind)
            for one in list(asked) if isinstance(asked, list) else ():
                source = within(one, "source")
                mounts = service.get("volumes") or []
                if isinstance(source, str) and source in files and isinstance(mounts, list):
                    asked.remove(one)
                    target = str(within(one, "target") or source)
                    service["volumes"] = [
                        *mounts,
                        {
                            "type": "bind",
                            "source": files[source],
                            "target": target if target.startswith("/") else f"{place}{target}",
                            "read_only": True,
                            "bind": {"create_host_path": False},
                        },
                    ]
                    known.pop(source, None)


def _services(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    services = within(document, "services")
    for service in services.values() if isinstance(services, dict) else ():
        if isinstance(service, dict):
            yield service


def _mounts(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The services' mounts of volumes with a name."""
    for service in _services(document):
        mounts = within(service, "volumes")
        for mount in mounts if isinstance(mounts, list) else ():
            if within(mount, "type") == "volume" and isinstance(mount.get("source"), str):
                yield mount
