"""What a compose file may ask a machine for. Everything that is not listed here is named.

The lists are of what is allowed, since nobody can list what is harmful: a key that Compose learns
next year is refused until somebody has looked at it. Keys and values are those of the Compose
specification (05-services.md, 06-networks.md, 07-volumes.md, build.md) in the normal form in which
`docker compose config` writes them.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from labkit.facts.compose.project import Project
from labkit.facts.dockerfile import READ_BY
from labkit.locale import _

Rule = Callable[[Any], list[str]]  # a value -> what of it is refused, in the file's own words
LONGEST_SHOWN = 80  # characters of a value that is refused

# Folders in which people keep a project and its data, one level below at least; nothing of the
# machine's own lies there. Hidden folders of a home hold keys and what a login reads. At the root
# stand the folders of examples (/path/data is the registry's own documentation's) and Vagrant's.
OF_THE_PROJECT = re.compile(
    r"/(?:srv|mnt|var/www)/[^/].*|/root/[^./].*|/home/[^/]+/[^./].*"
    r"|/opt/(?!containerd(?:/|$)|cni(?:/|$))[^/].*|/tmp/(?!labkit|systemd-)[^./].*"
    r"|/var/lib/(?:docker-)?regist(?:ry|re)(?:/.*)?|/var/(?:docker-)?regist(?:ry|re)(?:[/-].*)?"
    r"|/etc/(?:docker/)?registry(?:/.*)?"
    r"|/(?:app|auth|certs?|config|data|docker|html|path|regist(?:ry|re)|vagrant|volumes?|website|www"
    r"|[a-z]+[-_](?:api|app|list|site))(?:/.*)?"
    r"|/(?:usr/local/)?docker[-_]regist(?:ry|re)(?:/.*)?|/usr/local/regist(?:ry|re)(?:/.*)?"
    r"|/(?:docker-)?regist(?:ry|re)[-_]?(?:data|auth|certs|config|images?|storage|volume)(?:/.*)?"
)
# Files that say which time it is, or whom to trust: to be read, and not to be written.
TO_BE_READ = ("/etc/localtime", "/etc/timezone", "/etc/hosts", "/etc/ssl/certs",
              "/etc/pki/ca-trust", "/usr/share/ca-certificates", "/usr/share/zoneinfo")  # fmt: skip
# What every container has that asks for nothing (moby, oci/caps/defaults.go).
USUAL_CAPABILITIES = (
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
    "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
)  # fmt: skip
SERVICE_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def anything(_value: Any) -> list[str]:
    """Refuses nothing."""
    return []


def only(pattern: str) -> Rule:
    """Each of the values, or the value itself, matches."""
    allowed = re.compile(pattern, re.I)
    return lambda value: [str(part) for part in _each(value) if not allowed.fullmatch(str(part))]


def keys(**rules: Rule) -> Rule:
    """A mapping of which each key has a rule."""
    return lambda value: list(_refused(value, rules))


def _path(value: Any) -> list[str]:
    return [] if OF_THE_PROJECT.fullmatch(_plain(str(value))) else [str(value)]


def _options(*names: str) -> Rule:
    return keys(**dict.fromkeys(names, anything))


def _arguments(value: Any) -> list[str]:
    """Of a build's arguments the one that has another program than Docker's read the Dockerfile."""
    return [str(name) for name in value if str(name).partition("=")[0] == READ_BY]


SEVERAL = only(r"[0-9]|10")  # copies of a service; each costs the machine a dozen processes
BUILD = keys(
    context=_path, dockerfile=only(r"(?!.*\.\./)[^/].*"), dockerfile_inline=anything,
    args=_arguments, target=anything, labels=anything, tags=anything, cache_from=anything,
    no_cache=anything, pull=anything, platforms=anything, shm_size=anything, extra_hosts=anything,
    network=only("default|none"),
)  # fmt: skip
MOUNT = {
    "type": only("bind|volume|tmpfs"), "source": anything, "target": anything,
    "read_only": anything, "consistency": anything,
    "bind": keys(create_host_path=anything, selinux=anything,
                 propagation=only("r?private")),
    "volume": _options("nocopy", "subpath"),
    "tmpfs": _options("size", "mode"),
}  # fmt: skip
DEPLOY = keys(
    mode=anything, replicas=SEVERAL, endpoint_mode=anything, labels=anything,
    restart_policy=anything, update_config=anything, rollback_config=anything, placement=anything,
    resources=keys(
        limits=_options("cpus", "memory", "pids"), reservations=_options("cpus", "memory")
    ),
)  # fmt: skip
LOGGING = keys(
    driver=only("json-file|local|none|journald"),
    options=_options("max-size", "max-file", "compress", "mode", "max-buffer-size", "tag",
                     "labels", "env"),
)  # fmt: skip
HARMLESS_KEYS = (
    "annotations", "attach", "command", "container_name", "cpu_count", "cpu_percent", "cpu_period",
    "cpu_quota", "cpu_shares", "cpus", "cpuset", "depends_on", "develop", "dns", "dns_opt",
    "dns_search", "domainname", "entrypoint", "env_file", "environment", "expose", "external_links",
    "extra_hosts", "group_add", "healthcheck", "hostname", "image", "init", "labels", "links",
    "mac_address", "mem_limit", "mem_reservation", "mem_swappiness", "memswap_limit", "networks",
    "pids_limit", "platform", "ports", "profiles", "pull_policy", "read_only", "restart",
    "shm_size", "stdin_open", "stop_grace_period", "stop_signal", "tmpfs", "tty", "ulimits", "user",
    "working_dir", "cap_drop",
)  # fmt: skip
OF_A_SERVICE = r"(?:service|container):[\w.-]+"
SERVICE: dict[str, Rule] = {
    **dict.fromkeys(HARMLESS_KEYS, anything),
    "build": BUILD,
    "cap_add": only(f"(?:CAP_)?(?:{'|'.join(USUAL_CAPABILITIES)})"),
    "cgroup": only("private"),
    "configs": anything,  # where they come from is asked of the file's own configs
    "deploy": DEPLOY,
    "ipc": only(f"none|private|shareable|{OF_A_SERVICE}"),
    "logging": LOGGING,
    "network_mode": only(r"(?:(?:service|container):)?[\w.-]+"),
    "pid": only(OF_A_SERVICE),
    "scale": SEVERAL,
    "secrets": anything,
    "security_opt": only(r"no-new-privileges(?:[:=]true)?"),
    "sysctls": _options("net.core.somaxconn", "net.ipv4.ip_unprivileged_port_start"),
    "volumes_from": only(r"(?!container:)[\w.-]+(?::r[ow])?"),
}
VOLUME = keys(name=anything, driver=only("local|default"), external=anything, labels=anything)
NETWORK = keys(
    name=anything, driver=only("bridge|default"), external=anything, internal=anything,
    attachable=anything, enable_ipv4=anything, enable_ipv6=anything, labels=anything,
    ipam=keys(driver=only("default"), config=anything),
    driver_opts=_options("com.docker.network.driver.mtu", "com.docker.network.bridge.name",
                         "com.docker.network.bridge.enable_icc"),
)  # fmt: skip
GIVEN_FILE = keys(name=anything, file=_path, content=anything, environment=anything,
                  external=anything)  # fmt: skip


def harms(project: Project) -> list[str]:
    """What in a project's file may take over the machine itself, in words."""
    services = {name: service.raw for name, service in project.services.items()}
    return asked_for(project.document or {"services": services}, project.folder)


def asked_for(document: Mapping[str, Any], folder: str) -> list[str]:
    """What a normalised compose file asks for that is not allowed; nothing in a usual one.

    Relative paths are taken from `folder`, where it is started.
    """
    found = []
    for name, raw in _pairs(document.get("services")):
        if not SERVICE_NAME.fullmatch(name):
            found.append(_("{name} is not the name of a service", name=name[:LONGEST_SHOWN]))
        found += [_("{service} asks for {what}", service=name, what=what)
                  for what in _of_service(raw, folder)]  # fmt: skip
    for kind, rule in (("volumes", VOLUME), ("networks", NETWORK),
                       ("secrets", GIVEN_FILE), ("configs", GIVEN_FILE)):  # fmt: skip
        for name, raw in _pairs(document.get(kind)):
            placed = _absolute(raw, ("file",), folder)
            found += [_("{service} asks for {what}", service=f"{kind}: {name}", what=what)
                      for what in rule(placed)]  # fmt: skip
    known = ("services", "volumes", "networks", "secrets", "configs", "name", "version")
    found += [_("the file asks for {what}", what=key)
              for key in document if key not in known and not key.startswith("x-")]  # fmt: skip
    return found + [
        _("{inner} lies in {outer}, which a container can write to", inner=inner, outer=outer)
        for inner, outer in swappable(document, folder)
    ]


def swappable(document: Mapping[str, Any], folder: str) -> list[tuple[str, str]]:
    """(source, other source): a container can put a link in the place of the first, in the second.

    What is mounted is looked up when a container starts, again and again.
    """
    mounts = [(_source(mount, folder), bool(mount.get("read_only"))) for mount in binds(document)]
    return sorted(
        {
            (inner, outer)
            for inner, _readable in mounts
            for outer, read_only in mounts
            if not read_only and inner.startswith(f"{outer}/")
        }
    )


def binds(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each mount of a path of the machine, the document's own record of it."""
    for _name, raw in _pairs(document.get("services")):
        for mount in raw.get("volumes") or []:
            if isinstance(mount, dict) and _is_bind(mount):
                yield mount


def _is_bind(mount: Mapping[str, Any]) -> bool:
    return str(mount.get("type", "bind")) == "bind"


def _of_service(raw: Mapping[str, Any], folder: str) -> Iterator[str]:
    placed = {**raw, "build": _absolute(_build(raw), ("context",), folder)}
    placed.pop("volumes", None)
    yield from _refused(placed, SERVICE)
    for mount in raw.get("volumes") or []:
        if not isinstance(mount, dict):
            yield _shown("volumes", mount)
            continue
        yield from _refused(mount, MOUNT)
        source = _source(mount, folder)
        if _is_bind(mount) and not is_allowed(source, bool(mount.get("read_only"))):
            yield source


def is_allowed(path: str, read_only: bool) -> bool:
    """Whether a container may have this path of the machine; links are for the caller to follow."""
    plain = _plain(path)
    below = (f"{plain}/".startswith(f"{folder}/") for folder in TO_BE_READ)
    return OF_THE_PROJECT.fullmatch(plain) is not None or (read_only and any(below))


def _plain(path: str) -> str:
    return f"/{posixpath.normpath(path).strip('/')}" if path.startswith("/") else path


def _source(mount: Mapping[str, Any], folder: str) -> str:
    return _plain(posixpath.join(folder or "/", str(mount.get("source", ""))))


def _build(raw: Mapping[str, Any]) -> Any:
    build = raw.get("build")
    return {"context": build} if isinstance(build, str) else build


def _absolute(raw: Any, names: Iterable[str], folder: str) -> Any:
    """The mapping with those of its paths that are relative taken from the folder."""
    if not isinstance(raw, dict):
        return raw
    return {
        key: posixpath.normpath(posixpath.join(folder or "/", value))
        if key in names and isinstance(value, str) and value and "://" not in value
        else value
        for key, value in raw.items()
    }


def _refused(raw: Any, rules: Mapping[str, Rule]) -> Iterator[str]:
    if not raw:
        return
    if not isinstance(raw, dict):
        yield str(raw)[:LONGEST_SHOWN]
        return
    for key, value in raw.items():
        if not value or key.startswith("x-"):
            continue
        rule = rules.get(key)
        if rule is None:
            yield _shown(key, value)
        else:
            yield from (_shown(key, refused) for refused in rule(value))


def _shown(key: str, value: Any) -> str:
    if value is True:
        return key
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return f"{key}: {text}"[:LONGEST_SHOWN]


def _each(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]


def _pairs(value: Any) -> list[tuple[str, dict[str, Any]]]:
    """The entries of a mapping of mappings; an empty entry is an empty mapping."""
    if not isinstance(value, dict):
        return []
    return [(str(name), raw if isinstance(raw, dict) else {}) for name, raw in value.items()]
