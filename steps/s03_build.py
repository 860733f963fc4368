"""c) Build the image student-age."""

from __future__ import annotations

from labkit.course import step
from labkit.remote import Shell
from steps.project import IMAGE, PROJECT


@step(
    3,
    "build",
    letter="c",
    on="web1",
    needs=["machines", "dockerfile"],
    title={"en": "The image student-age", "fr": "L'image student-age"},
)
def build(web1: Shell) -> None:
    """One build; that it runs and answers is for the checks to say."""
    web1.run(f"docker build -t {IMAGE} simple_api", cwd=PROJECT, timeout=600)
