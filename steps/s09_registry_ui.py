"""i) A web page shows what the registry holds."""

from __future__ import annotations

from labkit.course import Files, Origin, step
from labkit.remote import Shells
from steps.project import REGISTRY_COMPOSE, REGISTRY_HOME
from steps.s08_registry import REGISTRY_FILE, start_registry


@step(
    9,
    "registry-ui",
    letter="i",
    on="lb",
    needs=["machines", "registry"],
    artefacts=[REGISTRY_COMPOSE],
    title={"en": "The registry's web page", "fr": "La page web du registre"},
)
def registry_ui(shells: Shells, files: Files) -> None:
    """Everything in the registry's file: the page joins the registry."""
    lb = shells["lb"]
    if files.option("registry: commands"):
        return  # it was set up with the registry, by the same notes
    files.place(REGISTRY_COMPOSE, lb)
    if files.used[-1].origin is Origin.OWN and files.submission:
        return  # all of a student's own file was started with the registry
    start_registry(lb, files)
    lb.run(f"docker compose -f {REGISTRY_FILE} ps", cwd=REGISTRY_HOME)
