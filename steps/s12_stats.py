"""l) HAProxy's statistics page."""

from __future__ import annotations

from labkit.course import Files, step
from labkit.remote import Shell
from steps.project import HAPROXY_STATS
from steps.s11_haproxy import load_configuration

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
def stats(lb: Shell, files: Files) -> None:
    """The `listen stats` section, loaded without losing a connection, and its port opened."""
    files.place(HAPROXY_STATS, lb)
    load_configuration(lb)
    lb.open_port(f"--add-port={PORT}/tcp")
    lb.run(f"curl -sS -o /dev/null -w '%{{http_code}}\\n' http://lb:{PORT}/")
