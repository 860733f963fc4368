"""b) The Dockerfile of the Flask API."""

from __future__ import annotations

from labkit.course import Files, step
from labkit.remote import Shells
from steps import undo
from steps.images import provide_bases
from steps.project import DOCKERFILE
from steps.stack import copy_project


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
def dockerfile(shells: Shells, files: Files) -> None:
    """The project on web1, with its Dockerfile."""
    web1 = shells["web1"]
    copy_project(web1, files)
    files.place(DOCKERFILE, web1)
    provide_bases(web1, files)  # its check is a build
