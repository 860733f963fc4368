"""e) The stack is up and stays up."""

from __future__ import annotations

import time
from collections.abc import Callable

from checks.compose import Project, Stack, stack_of
from checks.docker_facts import Container
from checks.pages import fetch
from labkit.course import NotMetError, check, expect, not_met
from labkit.lab import Lab
from labkit.locale import _
from labkit.remote import Shell

BACK_LIMIT_S = 20.0  # the engine restarts at once; PHP and Flask need 1 to 3 s on a slow laptop
POLL_S = 0.2


def _both(stack: Stack) -> list[Container]:
    return [one for one in (stack.website, stack.api) if one is not None]


@check(
    points=0.5,
    needs=["compose.services", "compose.ports", "compose.volumes", "build.runs"],
    hints=[
        "What does docker compose ps -a show?",
        "docker compose up -d starts the stack; docker compose logs says why a container ended.",
        "cd /srv/student-list && docker compose up -d",
    ],
)
def test_running(lab: Lab, stack: Stack) -> None:
    """Both containers run, and the website answers."""
    found = _both(stack)
    states = ", ".join(f"{one.name}: {one.state}" for one in found)
    expect(
        len(stack.running) == 2,
        expected=_("the containers of the website and of the API, both running"),
        seen=states or _("no container of this project"),
        where=f"web1:{stack.project.folder} $ docker compose ps -a",
    )
    if not stack.website_port:
        not_met(expected=_("a published port"), seen=_("none"), where="web1 $ docker compose ps")
    fetch(lab, "web1", stack.website_port)  # any answer: what it says is for steps 6 and 7


@check(
    points=0.5,
    needs="deploy.running",
    hints=[
        "What happens to a container when the machine boots again?",
        "The key restart of a service says when its container is started again.",
        "restart: unless-stopped   in both services, then docker compose up -d",
    ],
)
def test_restart(stack: Stack) -> None:
    """Both containers are started again after a crash and after a reboot."""
    for container in _both(stack):
        expect(
            container.restart_policy in ("always", "unless-stopped"),
            expected=_("restart: always or unless-stopped"),
            seen=f"{container.name}: {container.restart_policy}",
            where="web1 $ docker inspect",
        )


@check(
    points=0.5,
    needs="deploy.restart",
    disturbs=True,
    hints=[
        "Kill the process of a container from outside: does the container come back?",
        "docker compose ps shows since when each container has been up; docker events, who died.",
        "restart: unless-stopped in both services, then docker compose up -d",
    ],
)
def test_comes_back(
    lab: Lab, web1: Shell, project: Project, stack: Stack, note: Callable[[str], None]
) -> None:
    """When its processes are killed, the stack comes back by itself."""
    before = {one.id: one.pid for one in _both(stack)}
    pids = " ".join(str(pid) for pid in before.values())
    started = time.monotonic()
    web1.ask(f"kill -9 {pids}", sudo=True)
    seen = ""
    while time.monotonic() - started < BACK_LIMIT_S:
        now = stack_of(web1, project)
        fresh = all(one.running and before.get(one.id) != one.pid for one in _both(now))
        try:
            if fresh and len(_both(now)) == 2 and now.website_port:
                fetch(lab, "web1", now.website_port)
                note(_("back after {seconds} s", seconds=f"{time.monotonic() - started:.1f}"))
                return
        except NotMetError as error:
            seen = error.seen
        seen = ", ".join(f"{one.name}: {one.state}" for one in _both(now)) or seen
        time.sleep(POLL_S)
    not_met(
        expected=_("an answer within {seconds} s of the crash", seconds=BACK_LIMIT_S),
        seen=seen,
        where="web1",
    )
