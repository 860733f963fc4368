"""b) The Dockerfile of the Flask API."""

from __future__ import annotations

from labkit.course import Files, step
from labkit.remote import Shell
from steps import undo
from steps.project import DOCKERFILE, copy_project


@step(
    2,
    "dockerfile",
    letter="b",
    on="web1",
    needs=["machines"],
    artefacts=[DOCKERFILE],
    undo=undo.project,
    title={"en": "The Dockerfile of the API", "fr": "Le Dockerfile de l'API"},
)
def dockerfile(web1: Shell, files: Files) -> None:
    """The project on web1, with its Dockerfile."""
    copy_project(web1, files)
    files.place(DOCKERFILE, web1)
