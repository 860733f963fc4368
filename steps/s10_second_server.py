"""j) The same stack on web2, its image pulled from the registry."""

from __future__ import annotations

import shlex

from checks.docker_facts import is_student_age
from labkit.course import Files, step
from labkit.remote import Shells
from steps import undo
from steps.project import (
    COMPOSE,
    IMAGE,
    INDEX,
    can_be_had,
    compose_up,
    copy_project,
    described,
    refuse_when_down,
    stack_of,
    tag,
    trust_registry,
)


@step(
    10,
    "second-server",
    letter="j",
    on=("web2", "lb"),
    needs=["machines", "compose", "index", "registry"],
    undo=undo.second_server,
    title={"en": "The second web server", "fr": "Le second serveur web"},
)
def second_server(shells: Shells, files: Files) -> None:
    """The same files; only the place that the image comes from differs, in .env."""
    web2, lb = shells["web2"], shells["lb"]
    copy_project(web2, files, page=False)
    files.place(COMPOSE, web2)
    files.place(INDEX, web2)
    registry = trust_registry(web2, lb)
    refuse_when_down(web2, described(web2, files))
    stack = stack_of(files)
    pushed = f"{registry}/{IMAGE}"
    unended = f'cd {shlex.quote(stack.folder)} && test -s .env && test -n "$(tail -c 1 .env)"'
    if web2.ask(unended).ok:  # what is added next begins a line of its own
        web2.run("echo >> .env", cwd=stack.folder)
    setting = shlex.quote(f"STUDENT_AGE_IMAGE={pushed}")
    web2.run(f"echo {setting} >> .env", cwd=stack.folder, unless=f"grep -qx {setting} .env")
    project = described(web2, files)
    wanted = project.api_image if project else pushed
    if wanted == pushed:
        web2.run(stack.compose("pull", "--quiet"), cwd=stack.folder)
        compose_up(web2, files)
        return
    # A file that names another image, or builds it: the registry's image under that name.
    web2.run(shlex.join(["docker", "pull", "--quiet", pushed]))
    built = bool(project and project.api and project.api.build_context)
    if wanted and not built and not is_student_age(wanted):
        tag(web2, pushed, wanted, unless=can_be_had(wanted))
    elif wanted:
        tag(web2, pushed, wanted)
    website = project.website if project else None
    if website and website.build_context:
        web2.run(stack.compose("build", "--quiet", website.name), cwd=stack.folder)
    compose_up(web2, files, "--no-build")
