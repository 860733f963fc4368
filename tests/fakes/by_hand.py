"""What a student types on the machines of the practical, and edits there that can be taken back."""

from __future__ import annotations

PROJECT = "cd /srv/student-list"
# Twice, for a container runtime that loses its first process now and then on a busy computer.
UP_ONCE = f"{PROJECT} && docker compose up -d --quiet-pull 2>&1"
UP = f"{{ {UP_ONCE}; }} || {{ {UP_ONCE}; }}"
RELOAD = "haproxy -c -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy && sleep 1"
CONFIG = "/etc/haproxy/haproxy.cfg"
KEEP = "cp -a {0} {0}.kept"
BACK = "mv {0}.kept {0}"
COMPOSE = "/srv/student-list/docker-compose.yml"
INDEX = "/srv/student-list/website/index.php"
SCRIPT = "/srv/student-list/simple_api/student_age.py"
DOCKERFILE = "/srv/student-list/simple_api/Dockerfile"
BUILD = f"{PROJECT} && docker build -q -t student-age:1.0 simple_api"
AS_STUDENT = "su student -c '{0}'"
PUSH = AS_STUDENT.format(
    "docker tag student-age:1.0 lb:5000/student-age:1.0 && docker push -q lb:5000/student-age:1.0"
)
PULL = AS_STUDENT.format(f"{PROJECT} && docker compose pull -q") + f" 2>&1; {UP}"


def edit(path: str, expression: str, then: str) -> tuple[str, str]:
    """Scripts that edit a file and take the edit back."""
    change = f"{KEEP.format(path)}; sed -i -E '{expression}' {path}; "
    changed = f"if cmp -s {path} {path}.kept; then exit 9; fi; "  # the edit must be one
    return change + changed + then, f"{BACK.format(path)}; {then}"
