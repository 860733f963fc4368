"""c) Build the image student-age."""

from __future__ import annotations

import shlex

from labkit.course import Files, step
from labkit.remote import Shell
from steps import undo
from steps.project import IMAGE, PROJECT

BUILD_LIMIT_S = 600.0
HANDED_BUILD_LIMIT_S = 150.0  # nobody looks on; with a slow network still time for the packages


@step(
    3,
    "build",
    letter="c",
    on="web1",
    needs=["machines", "dockerfile"],
    undo=undo.image,
    title={"en": "The image student-age", "fr": "L'image student-age"},
)
def build(web1: Shell, files: Files) -> None:
    """One build; that it runs and answers is for the checks to say."""
    what = shlex.split(files.option("build: what", "simple_api"))
    limit = HANDED_BUILD_LIMIT_S if files.handed else BUILD_LIMIT_S
    web1.run(shlex.join(["docker", "build", "-t", IMAGE, *what]), cwd=PROJECT, timeout=limit)
