"""j) The same stack on web2, its image pulled from the registry."""

from __future__ import annotations

from labkit.course import Files, step
from labkit.remote import Shell
from steps.project import (
    COMPOSE,
    INDEX,
    PROJECT,
    PUSHED_IMAGE,
    compose_up,
    copy_project,
    refuse_when_down,
    trust_registry,
)


@step(
    10,
    "second-server",
    letter="j",
    on=("web2", "lb"),
    needs=["machines", "compose", "index", "registry"],
    title={"en": "The second web server", "fr": "Le second serveur web"},
)
def second_server(web2: Shell, lb: Shell, files: Files) -> None:
    """The same files; only the place that the image comes from differs, in .env."""
    copy_project(web2, files, page=False)
    files.place(COMPOSE, web2)
    files.place(INDEX, web2)
    trust_registry(web2, lb)
    refuse_when_down(web2)
    web2.run(
        f"echo STUDENT_AGE_IMAGE={PUSHED_IMAGE} >> .env",
        cwd=PROJECT,
        unless=f"grep -qx STUDENT_AGE_IMAGE={PUSHED_IMAGE} .env",
    )
    web2.run("docker compose pull --quiet", cwd=PROJECT)
    compose_up(web2, cwd=PROJECT)
