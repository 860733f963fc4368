"""e) The stack is up, and stays up."""

from __future__ import annotations

from checks.compose import find_project
from labkit.course import Files, step
from labkit.remote import Shell
from steps import undo
from steps.project import (
    IMAGE,
    compose_up,
    name_image,
    refuse_harm,
    refuse_when_down,
    stack_of,
)


@step(
    5,
    "deploy",
    letter="e",
    on="web1",
    needs=["machines", "build", "compose"],
    undo=undo.stack,
    title={"en": "The stack is up", "fr": "Les conteneurs sont lancés"},
)
def deploy(web1: Shell, files: Files) -> None:
    """Start what the file describes."""
    project = find_project(web1)
    refuse_harm(web1, project)
    name_image(web1, project, IMAGE)
    refuse_when_down(web1, project)
    compose_up(web1, files, options="--quiet-pull")
    if not files.handed:
        stack = stack_of(files)
        web1.run(stack.compose("ps"), cwd=stack.folder)
