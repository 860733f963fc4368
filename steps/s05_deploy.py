"""e) The stack is up, and stays up."""

from __future__ import annotations

from labkit.course import Files, step
from labkit.remote import Shells
from steps import undo
from steps.project import CARRIED, IMAGE
from steps.stack import compose_up, described, name_image, refuse_when_down, stack_of, up_with


@step(
    5,
    "deploy",
    letter="e",
    on="web1",
    needs=["machines", "build", "compose"],
    undo=undo.stack,
    title={"en": "The stack is up", "fr": "Les conteneurs sont lancés"},
)
def deploy(shells: Shells, files: Files) -> None:
    """Start what the file describes."""
    web1 = shells["web1"]
    project = described(web1, files)
    if files.option(CARRIED):
        refuse_when_down(web1, project)
        up_with(web1, files, project, IMAGE)
        return
    name_image(web1, project, IMAGE)
    refuse_when_down(web1, project)
    compose_up(web1, files, "--quiet-pull")
    if not files.submission:
        stack = stack_of(files)
        web1.run(stack.compose("ps"), cwd=stack.folder)
