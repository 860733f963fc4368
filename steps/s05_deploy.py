"""e) The stack is up, and stays up."""

from __future__ import annotations

from labkit.course import step
from labkit.remote import Shell
from steps.project import PROJECT, compose_up, refuse_when_down


@step(
    5,
    "deploy",
    letter="e",
    on="web1",
    needs=["machines", "build", "compose"],
    title={"en": "The stack is up", "fr": "Les conteneurs sont lancés"},
)
def deploy(web1: Shell) -> None:
    """Start what the file describes."""
    refuse_when_down(web1)
    compose_up(web1, cwd=PROJECT, options="--quiet-pull")
    web1.run("docker compose ps", cwd=PROJECT)
