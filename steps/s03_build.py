"""c) Build the image student-age."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath

from labkit.course import Files, step
from labkit.remote import Shell, Shells
from steps import undo
from steps.images import provide_bases
from steps.project import APART, CARRIED, DOCKERFILE, GIVEN, IMAGE
from steps.stack import own_folder
from subject.contract import OPTION, PROJECT, application_of

BUILD_LIMIT_S = 600.0
SUBMITTED_BUILD_LIMIT_S = 150.0  # nobody looks on; with a slow network still time for the packages


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
    if files.option(CARRIED):
        build_carried(web1, files)
        return
    what = shlex.split(files.option("build: what", "simple_api"))
    provide_bases(web1, files)
    limit = SUBMITTED_BUILD_LIMIT_S if files.submission else BUILD_LIMIT_S
    web1.run(shlex.join(["docker", "build", "-t", IMAGE, *what]), cwd=PROJECT, timeout=limit)


def build_carried(web1: Shell, files: Files) -> None:
    """The reference's image, for the steps that need one where the student's gives none."""
    own_folder(web1, APART)
    web1.write(f"{APART}/Dockerfile", (files.reference / DOCKERFILE.path).read_bytes())
    application = application_of({OPTION: files.option(OPTION)})
    for path in GIVEN:
        given = (files.starter / path).read_bytes()
        web1.write(f"{APART}/{PurePosixPath(path).name}", application.served_by(given))
    web1.run(shlex.join(["docker", "build", "-t", IMAGE, APART]), timeout=BUILD_LIMIT_S)
