"""d) docker-compose.yml: website and API together."""

from __future__ import annotations

from labkit.course import Files, step
from labkit.remote import Shells
from steps.project import COMPOSE
from steps.stack import stack_of


@step(
    4,
    "compose",
    letter="d",
    on="web1",
    needs=["machines", "dockerfile", "build"],
    artefacts=[COMPOSE],
    title={"en": "Website and API in one file", "fr": "Le site et l'API dans un seul fichier"},
)
def compose(shells: Shells, files: Files) -> None:
    """The file, and Compose's own opinion of it."""
    web1 = shells["web1"]
    files.place(COMPOSE, web1)
    if files.submission:
        return  # the checks ask Compose the same
    stack = stack_of(files)
    web1.run(stack.compose("config", "--quiet"), cwd=stack.folder)
