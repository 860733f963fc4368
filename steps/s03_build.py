"""c) Build the image student-age."""

from __future__ import annotations

from labkit.course import Files, step
from labkit.remote import Shell
from steps import undo
from steps.project import IMAGE, PROJECT

BUILD_LIMIT_S = 600.0


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
    what = files.option("build: what", "simple_api")
    web1.run(f"docker build -t {IMAGE} {what}", cwd=PROJECT, timeout=BUILD_LIMIT_S)
