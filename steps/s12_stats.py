"""l) HAProxy's statistics page."""

from __future__ import annotations

import re

from labkit.course import Files, step
from labkit.remote import Shells
from steps.project import HAPROXY_STATS
from steps.s11_haproxy import CONFIG, load_configuration, place_configuration

PORT = 8404


@step(
    12,
    "stats",
    letter="l",
    on="lb",
    needs=["machines", "haproxy"],
    artefacts=[HAPROXY_STATS],
    title={"en": "The statistics page", "fr": "La page de statistiques"},
)
def stats(shells: Shells, files: Files) -> None:
    """The `listen stats` section, loaded without losing a connection, and its port opened."""
    lb = shells["lb"]
    if not place_configuration(lb, files, HAPROXY_STATS) and files.submission:
        return  # one file for both steps: it was loaded, and its ports opened, by the one before
    load_configuration(lb, unprivileged=bool(files.submission))
    lb.open_port(f"--add-port={stats_port(lb.read(CONFIG, root=True) or '')}/tcp")


def stats_port(config: str) -> int:
    """The port of the section that enables statistics; the tutorial's if none says so."""
    sections = re.split(r"^(?=global|defaults|frontend|backend|listen)", config, flags=re.MULTILINE)
    for section in sections:
        bind = re.search(r"^[ \t]*bind[ \t]+\S*:([0-9]{1,5})(?![0-9])", section, re.MULTILINE)
        if bind and re.search(r"^[ \t]*stats[ \t]+(enable|uri)", section, re.MULTILINE):
            return int(bind.group(1))
    return PORT
