"""The configuration work of steps 1, 4, 8, 11 and 12, as one would write it for pyinfra 3."""

import os

from pyinfra import host, inventory
from pyinfra.facts.files import File
from pyinfra.facts.server import Command, Hostname
from pyinfra.operations import apt, files, python, server, systemd

REFERENCE = os.environ["REFERENCE"]
STEPS = os.environ["STEPS"].split(",")
USER, PASSWORD = os.environ["REGISTRY_USER"], os.environ["REGISTRY_PASSWORD"]
KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
REGISTRY = "/srv/registry"
CERTS = f"{REGISTRY}/certs"
AUTHORITY = os.environ["AUTHORITY"]  # where this computer keeps lb's certificate authority


def trust_authority() -> None:
    """Made on lb in the same run, so that there is no file yet while the deploy is planned."""
    files.put(src=AUTHORITY, dest="/etc/docker/certs.d/lb:5000/ca.crt", mode="644", _sudo=True)


if "1" in STEPS:
    if host.get_fact(Hostname) != host.name:
        server.shell(commands=[f"hostnamectl set-hostname {host.name}"], _sudo=True)
    # files.line replaces the file, which in a container is a mount: written in place instead.
    hosts = host.get_fact(Command, "cat /etc/hosts").splitlines()
    for other in inventory.iter_activated_hosts():
        line = f"{other.data.address} {other.name}"
        if line not in hosts:
            script = f"sed '/[[:space:]]{other.name}$/d' /etc/hosts > /tmp/h"
            server.shell(
                commands=[f"{script}; echo '{line}' >> /tmp/h; cat /tmp/h > /etc/hosts; rm /tmp/h"],
                _sudo=True,
            )
    apt.packages(packages=["docker.io", "docker-cli", "docker-compose"], _sudo=True)
    systemd.service(service="docker", running=True, enabled=True, _sudo=True)
    server.user(user=host.data.ssh_user, groups=["docker"], append=True, _sudo=True)

if "4" in STEPS and host.name == "web1":
    files.put(
        src=f"{REFERENCE}/docker-compose.yml",
        dest="/srv/student-list/docker-compose.yml",
        mode="644",
    )
    server.shell(commands=["cd /srv/student-list && docker compose config --quiet"])

if "8" in STEPS and host.name == "lb":
    for folder in (REGISTRY, f"{REGISTRY}/certs", f"{REGISTRY}/auth"):
        files.directory(path=folder, user=host.data.ssh_user, mode="755", _sudo=True)
    if not host.get_fact(File, f"{REGISTRY}/certs/lb.crt"):
        server.shell(
            commands=[
                (
                    f"openssl req -x509 {KEY} -days 3650 -subj '/CN=lab CA'"
                    f" -keyout {CERTS}/ca.key -out {CERTS}/ca.crt"
                ),
                (
                    f"openssl req {KEY} -subj /CN=lb -addext subjectAltName=DNS:lb,DNS:registry"
                    f" -keyout {CERTS}/lb.key -out {CERTS}/lb.csr"
                ),
                (
                    f"openssl x509 -req -in {CERTS}/lb.csr -CA {CERTS}/ca.crt -CAkey {CERTS}/ca.key"
                    f" -CAcreateserial -copy_extensions copy -days 825 -out {CERTS}/lb.crt"
                ),
            ]
        )
    apt.packages(packages=["apache2-utils"], _sudo=True)
    if not host.get_fact(File, f"{REGISTRY}/auth/htpasswd"):
        server.shell(commands=[f"htpasswd -Bbc {REGISTRY}/auth/htpasswd {USER} {PASSWORD}"])
    files.put(
        src=f"{REFERENCE}/docker-compose-registry.yml",
        dest=f"{REGISTRY}/docker-compose-registry.yml",
        mode="644",
    )
    server.shell(
        commands=[
            (
                f"cd {REGISTRY} && docker compose -f docker-compose-registry.yml"
                " up -d --quiet-pull registry"
            )
        ]
    )

if "8" in STEPS and host.name == "lb":
    files.get(src=f"{REGISTRY}/certs/ca.crt", dest=AUTHORITY)

if "8" in STEPS and host.name == "web1":
    files.directory(path="/etc/docker/certs.d/lb:5000", mode="755", _sudo=True)
    python.call(name="The authority of lb", function=trust_authority)
    server.shell(
        commands=[
            (
                "grep -q '\"lb:5000\"' ~/.docker/config.json 2>/dev/null"
                f" || echo {PASSWORD} | docker login -u {USER} --password-stdin lb:5000"
            )
        ]
    )

if "11" in STEPS and host.name == "lb":
    apt.packages(packages=["haproxy", "rsyslog"], _sudo=True)
    rules = files.put(
        src=f"{REFERENCE}/haproxy/rsyslog-haproxy.conf",
        dest="/etc/rsyslog.d/haproxy.conf",
        mode="644",
        _sudo=True,
    )
    systemd.service(service="rsyslog", restarted=True, _if=rules.did_change, _sudo=True)
    config = files.put(
        src=f"{REFERENCE}/haproxy/haproxy.cfg",
        dest="/etc/haproxy/haproxy.cfg",
        mode="644",
        _sudo=True,
    )
    server.shell(commands=["haproxy -c -f /etc/haproxy/haproxy.cfg"], _sudo=True)
    systemd.service(service="haproxy", running=True, enabled=True, _sudo=True)
    systemd.service(service="haproxy", reloaded=True, _if=config.did_change, _sudo=True)
    for rule in ("service=http", "port=8404/tcp"):
        server.shell(
            commands=[
                (
                    f"firewall-cmd --query-{rule} || {{ firewall-cmd --permanent --add-{rule}"
                    f" && firewall-cmd --add-{rule}; }}"
                )
            ],
            _sudo=True,
        )
