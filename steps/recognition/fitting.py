"""References that take the place of what is missing, fitted to what the student has written."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from labkit.facts.haproxy.file import bound_ports
from steps.project import COMPOSE, HAPROXY_BACKEND, INDEX, REGISTRY_COMPOSE, RSYSLOG
from steps.recognition.addresses import addresses
from steps.recognition.handed_in import text_of
from steps.recognition.look import Look
from subject.contract import AS_GIVEN, HTTP_PORT, Application

PAGE_PORT = 8080  # of the registry's page, in the reference
PORT = re.compile(r"[0-9]{1,5}")


def fitted(
    look: Look, sources: Mapping[str, str], reference: Path, application: Application
) -> dict[str, bytes]:
    """References, changed so that they fit what the student has written."""
    website = look.project.website if look.project else None
    api = look.project.api if look.project else None
    port = website.published.get(HTTP_PORT, "") if website else ""
    balancer = text_of(look.files[sources[HAPROXY_BACKEND.path]]) if (
        HAPROXY_BACKEND.path in sources) else ""  # fmt: skip
    ports = (one.partition(":")[2] for one in addresses(balancer) if one.count(":") == 1)
    asked = next(filter(PORT.fullmatch, ports), str(HTTP_PORT))
    page = text_of(look.files[look.page]) if look.page else ""
    host = re.search(r"http://([A-Za-z][\w.-]*):\d+/", page)
    facility = re.search(r"^[ \t]*log[ \t]+\S+[ \t](?:.*[ \t])?(local\d)\b", balancer, re.M)
    changes: dict[str, list[tuple[str, str]]] = {}
    if api:
        changes[INDEX.path] = [("http://api:5000", f"http://{api.name}:5000")]
    if port and port != str(HTTP_PORT):
        for name in (HAPROXY_BACKEND.reference, HAPROXY_BACKEND.later, HAPROXY_BACKEND.distinction):
            changes[name] = [(f"{web}:80", f"{web}:{port}") for web in ("web1", "web2")]
    stack = changes.setdefault(COMPOSE.path, [])
    if asked != str(HTTP_PORT):
        stack.append(('"80:80"', f'"{asked}:80"'))
    if host and host.group(1) not in ("api", "localhost"):
        stack.append(("  api:\n", f"  {host.group(1)}:\n"))
        stack.append(("- api\n", f"- {host.group(1)}\n"))
    if application != AS_GIVEN:
        changes.setdefault(INDEX.path, []).append((AS_GIVEN.path, application.path))
        stack.append((f"USERNAME: {AS_GIVEN.user}", f"USERNAME: {json.dumps(application.user)}"))
        password = json.dumps(application.password)
        stack.append((f"PASSWORD: {AS_GIVEN.password}", f"PASSWORD: {password}"))
    taken = bound_ports(balancer)
    if PAGE_PORT in taken:  # the reference's page for the registry lives on the same machine
        free = next(port for port in itertools.count(PAGE_PORT + 1) if port not in taken)
        changes[REGISTRY_COMPOSE.path] = [(f'"{PAGE_PORT}:80"', f'"{free}:80"')]
    if facility:
        changes[RSYSLOG.path] = [("local2", facility.group(1))]
    return {
        name: _replaced((reference / name).read_text(encoding="utf-8"), pairs).encode()
        for name, pairs in changes.items()
    }


def _replaced(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    for old, new in pairs:
        text = text.replace(old, new)
    return text
