"""c) Build the image student-age."""

from __future__ import annotations

import shlex

from checks.dockerfiles import base_images
from labkit.course import Files, step
from labkit.remote import Shells
from steps import undo
from steps.project import DOCKERFILE, IMAGE, PROJECT, provide_images

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
def build(shells: Shells, files: Files) -> None:
    """One build; that it runs and answers is for the checks to say."""
    web1 = shells["web1"]
    what = shlex.split(files.option("build: what", "simple_api"))
    if files.handed:
        text = files.content(DOCKERFILE).data.decode("utf-8", "replace")
        provide_images(web1, base_images(text))
    limit = HANDED_BUILD_LIMIT_S if files.handed else BUILD_LIMIT_S
    web1.run(shlex.join(["docker", "build", "-t", IMAGE, *what]), cwd=PROJECT, timeout=limit)
