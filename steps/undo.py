"""Takes away what steps brought, in seconds, so that another student's work can take its place.

Base images and the newest of the engine's build cache stay: neither decides what a student's files
do. Of a class each student's own would be kept, until nothing else has room.
"""

from __future__ import annotations

from labkit.facts.compose.project import JUDGED
from labkit.remote import Shell, Shells, everywhere
from steps.beside_balancer import SUBMITTED
from steps.project import APART, HAPROXY_STATS, PACKAGED_ASIDE, PACKAGED_RULE, REGISTRY_HOME
from subject.contract import PROJECT

# Containers with their volumes, then volumes and networks of their own.
NO_CONTAINERS = (
    "docker ps -aq | xargs -r docker rm -fv; docker volume prune -af; docker network prune -f"
)
NO_PROJECT = f"mkdir -p {PROJECT}; find {PROJECT} -mindepth 1 -delete; rm -rf {JUDGED} {APART}"
# Images that were built or named here, or that came from the private registry. A classic store
# knows a digest only for what was pulled or pushed. containerd's has one for whatever there is:
# that it was pulled from Docker Hub is told by the label on its manifest, and by which name.
# Nothing stays of which that cannot be told.
NO_IMAGES = (
    "if docker info -f '{{.DriverStatus}}' | grep -q io.containerd.snapshotter; then "
    "{ ctr -n moby content ls; "
    "docker image ls --no-trunc --format 'image {{.Repository}} {{.Tag}} {{.ID}}'; } | awk '"
    "$1 ~ /^sha256:/ && match($0, /distribution.source.docker.io=[^, ]+/) "
    "{from = substr($0, RSTART, RLENGTH); "
    'sub(/^[^=]*=(library[/])?/, "", from); pulled[$1] = from} '
    '$1 == "image" && $3 != "<none>" && pulled[$4] != $2 {print $2":"$3}'
    "'; else "
    "docker image ls --digests --format '{{.Repository}} {{.Tag}} {{.Digest}}' | "
    'awk \'$3 == "<none>" || $1 ~ /:/ {print ($2 == "<none>" ? "" : $1":"$2)}\'; '
    "fi | xargs -r docker image rm -f; docker image prune -f; "
    "docker builder prune -f --keep-storage 1gb"
)
NO_PUSHED = (
    "docker image ls --format '{{.Repository}}:{{.Tag}}' | grep '^lb:' | xargs -r docker image rm"
)
NO_REGISTRY = (
    "rm -rf /etc/docker/certs.d/* /root/.docker/config.json /home/*/.docker/config.json; "
    "python3 - <<'EOF'\n"
    "import json, subprocess\n"
    "path = '/etc/docker/daemon.json'\n"
    "found = json.load(open(path)) if __import__('os').path.exists(path) else {}\n"
    "known = found.get('insecure-registries', [])\n"
    "kept = [one for one in known if not one.startswith('lb:')]\n"
    "if kept != known:\n"
    "    found['insecure-registries'] = kept\n"
    "    json.dump(found, open(path, 'w'), indent=2)\n"
    "    subprocess.run(['systemctl', 'reload', 'docker'])\n"
    "EOF"
)
# HAProxy as its package brings it: it runs, and nobody is served. Ports of the firewall that were
# opened stay so: the step opens those that a configuration binds in any case.
NO_PROXIES = """\
global
    user haproxy
    group haproxy
    stats socket /run/labkit-idle.sock mode 600 level admin
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend idle
    bind 127.0.0.1:9
"""
LIMIT_S = 60.0


def project(shells: Shells) -> None:
    """The student's project on web1."""
    web1 = shells["web1"]
    _as_root(web1, NO_PROJECT)


def image(shells: Shells) -> None:
    """The image that was built."""
    web1 = shells["web1"]
    _as_root(web1, NO_IMAGES)


def stack(shells: Shells) -> None:
    """The stack that was started, whatever it was."""
    web1 = shells["web1"]
    _as_root(web1, f"{NO_CONTAINERS}; rm -rf {JUDGED}")


def registry(shells: Shells) -> None:
    """The registry, its page, what was pushed, and web1's trust in it."""
    lb, web1 = shells["lb"], shells["web1"]
    lines = {
        lb.name: f"{NO_CONTAINERS}; {NO_IMAGES}; rm -rf {REGISTRY_HOME}* {JUDGED}",
        web1.name: f"{NO_PUSHED}; {NO_REGISTRY}",
    }
    everywhere(lambda shell: _as_root(shell, lines[shell.name]), [lb, web1])


def second_server(shells: Shells) -> None:
    """Everything on web2."""
    web2 = shells["web2"]
    _as_root(web2, f"{NO_CONTAINERS}; {NO_IMAGES}; {NO_PROJECT}; {NO_REGISTRY}")


def balancer(shells: Shells) -> None:
    """HAProxy without a student's configuration, and its log forgotten."""
    lb = shells["lb"]
    lb.write(HAPROXY_STATS.remote, NO_PROXIES, root=True, quiet=True)
    # Restarted, not reloaded: a reload goes on after the command that asked for it. Before, what
    # counts starts is set back: systemd refuses the sixth within 10 s (StartLimitBurst=).
    _as_root(
        lb,
        f"rm -rf {SUBMITTED}; test ! -e {PACKAGED_RULE} || mv {PACKAGED_RULE} {PACKAGED_ASIDE}; "
        "rm -f /etc/rsyslog.d/haproxy.conf /var/log/haproxy.log; "
        "systemctl reset-failed rsyslog haproxy; systemctl restart rsyslog haproxy",
    )


def _as_root(shell: Shell, script: str) -> None:
    shell.ask(script, sudo=True, timeout=LIMIT_S)
