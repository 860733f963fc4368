"""j) The same stack on web2, its image pulled from the registry."""

from __future__ import annotations

import shlex
from contextlib import suppress

from labkit.course import Beginning, Files, step
from labkit.errors import StepFailedError
from labkit.remote import Shells
from steps import undo
from steps.project import BUILT_ON_WEB2, CARRIED, COMPOSE, IMAGE
from steps.stack import (
    compose_up,
    copy_project,
    described,
    place_page,
    refuse_when_down,
    stack_of,
    up_with,
)
from steps.trust import trust_registry

PULL_LIMIT_S = 120.0  # php:apache from the lab's mirror takes 10 s on a busy computer


def bring(shells: Shells, files: Files) -> None:
    """The same files on web2; in a submission its website's image as well, while web1 builds."""
    web2 = shells["web2"]
    copy_project(web2, files, page=False)
    files.place(COMPOSE, web2)
    place_page(files, web2)
    if not files.submission:
        return
    stack = stack_of(files, web2.name)
    # What may not be started or cannot be pulled is said when the stack is started.
    with suppress(StepFailedError):
        website = stack.judge(web2).website
        if website and not website.build_context:
            pull = stack.compose("pull", "--quiet", website.name)
            web2.ask(f"cd {shlex.quote(stack.folder)} && {pull}", timeout=PULL_LIMIT_S)


@step(
    10,
    "second-server",
    letter="j",
    on=("web2", "lb"),
    needs=["machines", "compose", "index", "registry"],
    beginning=Beginning(bring, on=("web2",), needs=("machines",)),
    undo=undo.second_server,
    title={"en": "The second web server", "fr": "Le second serveur web"},
)
def second_server(shells: Shells, files: Files) -> None:
    """Only the place that the image comes from differs, in .env."""
    web2, lb = shells["web2"], shells["lb"]
    registry = trust_registry(web2, lb)
    refuse_when_down(web2, described(web2, files))
    stack = stack_of(files, web2.name)
    pushed = f"{registry}/{IMAGE}"
    unended = f'cd {shlex.quote(stack.folder)} && test -s .env && test -n "$(tail -c 1 .env)"'
    if web2.ask(unended).ok:  # what is added next begins a line of its own
        web2.run("echo >> .env", cwd=stack.folder)
    setting = shlex.quote(f"STUDENT_AGE_IMAGE={pushed}")
    web2.run(f"echo {setting} >> .env", cwd=stack.folder, unless=f"grep -qx {setting} .env")
    project = described(web2, files)
    if files.option(BUILT_ON_WEB2) and not files.option(CARRIED):
        compose_up(web2, files, "--build")
        return
    wanted = project.api_image if project else pushed
    if wanted.startswith(f"{registry}/"):  # it is there under this name, or nobody has pushed it
        of_the_api = [project.api.name] if project and project.api else []
        names = of_the_api if files.option("deploy: website") else []
        web2.run(stack.compose("pull", "--quiet", *names), cwd=stack.folder)
        compose_up(web2, files)
        return
    web2.run(shlex.join(["docker", "pull", "--quiet", pushed]))
    up_with(web2, files, project, pushed)
