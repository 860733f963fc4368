"""Names and places that several steps share (the contract of the application, design.md)."""

from __future__ import annotations

from labkit.course import Artefact
from labkit.facts.haproxy.file import WRITTEN_BY_HAND
from subject.contract import PROJECT

# What Compose looks for by itself, in its order (compose-go, cli.DefaultFileNames).
DEFAULT_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
IMAGE = "student-age:1.0"
APART = "/var/lib/carried"  # where no check looks for what a student has written
# Of a submission: the compose files that web2 has of its own, whether they build the API there, and
# what Compose is told there beside.
OPTIONS_OF_WEB2 = "second-server: options"
OWN_OF_WEB2 = "second-server: files"
BUILT_ON_WEB2 = "second-server: builds"
PUSHED_AS = "second-server: pushed"  # the names by which the API's image is pushed beside
WEBSITE_PUSHED_AS = "second-server: website pushed"  # the name by which web2 asks for the website's
CARRIED = "build: carried"  # an option of a submission: the image is the reference's
REGISTRY_HOME = "/srv/registry"
REGISTRY = "lb:5000"
REGISTRY_USER = "student"
REGISTRY_PASSWORD = "student-list"
PUSHED_IMAGE = f"{REGISTRY}/{IMAGE}"

GIVEN = (
    "simple_api/student_age.py",
    "simple_api/requirements.txt",
    "simple_api/student_age.json",
)

WEBS = ("web1", "web2")

DOCKERFILE = Artefact("simple_api/Dockerfile", f"{PROJECT}/simple_api/Dockerfile", WEBS)
COMPOSE = Artefact("docker-compose.yml", f"{PROJECT}/docker-compose.yml", WEBS)
INDEX = Artefact("website/index.php", f"{PROJECT}/website/index.php", WEBS)
REGISTRY_COMPOSE = Artefact(
    "docker-compose-registry.yml", f"{REGISTRY_HOME}/docker-compose-registry.yml", ("lb",)
)
HAPROXY_BACKEND = Artefact(
    "haproxy/haproxy.cfg",
    "/etc/haproxy/haproxy.cfg",
    ("lb",),
    reference="haproxy/haproxy-11.cfg",
    sudo=True,
    marker=WRITTEN_BY_HAND,
    later="haproxy/haproxy.cfg",
    distinction="haproxy/haproxy-hardened.cfg",
)
HAPROXY_STATS = Artefact(
    "haproxy/haproxy.cfg",
    "/etc/haproxy/haproxy.cfg",
    ("lb",),
    sudo=True,
    marker=WRITTEN_BY_HAND,
    distinction="haproxy/haproxy-hardened.cfg",
)
RSYSLOG = Artefact(
    "haproxy/rsyslog-haproxy.conf", "/etc/rsyslog.d/haproxy.conf", ("lb",), sudo=True
)
# The rule that Debian's haproxy brings, for a socket in its chroot, and where it is out of force:
# beside it any rule of a student's seems right. Rocky's brings none.
PACKAGED_RULE = "/etc/rsyslog.d/49-haproxy.conf"
PACKAGED_ASIDE = f"{PACKAGED_RULE}.packaged"
