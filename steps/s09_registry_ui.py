"""i) A web page shows what the registry holds."""

from __future__ import annotations

from labkit.course import Files, step
from labkit.remote import Shell
from steps.project import REGISTRY_COMPOSE, REGISTRY_HOME, compose_up


@step(
    9,
    "registry-ui",
    letter="i",
    on="lb",
    needs=["machines", "registry"],
    artefacts=[REGISTRY_COMPOSE],
    title={"en": "The registry's web page", "fr": "La page web du registre"},
)
def registry_ui(lb: Shell, files: Files) -> None:
    """Everything in the registry's file: the page joins the registry."""
    files.place(REGISTRY_COMPOSE, lb)
    compose_up(lb, cwd=REGISTRY_HOME, file="docker-compose-registry.yml", options="--quiet-pull")
    lb.run("docker compose -f docker-compose-registry.yml ps", cwd=REGISTRY_HOME)
