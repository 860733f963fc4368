"""e) The stack is up and stays up."""

from __future__ import annotations

from collections.abc import Callable

from checks.judging import must_pass
from checks.pages import must_answer
from labkit.course import check, expect, not_met
from labkit.facts.docker import must_have_images
from labkit.grading import Context
from labkit.lab import Lab
from labkit.locale import _
from labkit.remote import Shell
from subject.roles import Project, Stack, must_be_heard_of, stack_of


@check(
    points=0.5,
    needs=[
        "compose.services",
        "compose.ports",
        "compose.volumes",
        "compose.harmless",
        "build.runs",
    ],
    probes=(
        "docker inspect on web1: the containers of both services must run; then the website's "
        "published port is asked from outside, and any answer within 5 s, 12 s the second time, "
        "will do."
    ),
    why=(
        "docker compose up -d is content as soon as it has started the containers; one that ends a "
        "second later is noticed by whoever looks again, or by the visitors."
    ),
    hints=[
        "What does docker compose ps -a show?",
        "docker compose up -d starts the stack; docker compose logs says why a container ended.",
        (
            "In docker-compose.yml: no command: or entrypoint: that replaces what the images "
            'start, and no port of the machine twice, as "80:80" for the website and "5000:5000" '
            "for the API; then cd /srv/student-list && docker compose up -d"
        ),
    ],
)
def test_running(lab: Lab, web1: Shell, project: Project) -> None:
    """Both containers run, and the website answers."""
    web1.forget()  # what ran when the first check looked may have ended since
    stack = stack_of(web1, project)
    found = stack.both
    if len(found) < 2:
        pulled = [one for one in stack.project.services.values() if not one.build_context]
        must_be_heard_of(web1, [one.image for one in pulled])
        must_have_images(web1, [one.image for one in pulled])
    states = ", ".join(f"{one.name}: {one.state}" for one in found)
    expect(
        len(stack.running) == 2,
        expected=_("the containers of the website and of the API, both running"),
        seen=states or _("no container of this project"),
        where=f"web1:{stack.project.folder} $ docker compose ps -a",
    )
    if not stack.website or not stack.website_port:
        not_met(expected=_("a published port"), seen=_("none"), where="web1 $ docker compose ps")
    must_answer(lab, web1, stack.website, stack.website_port)  # what it says is for steps 6 and 7


@check(
    points=0.5,
    needs="deploy.running",
    probes=(
        "docker inspect of both containers on web1: the restart policy of each must be always or "
        "unless-stopped."
    ),
    why=(
        "Processes die and machines are rebooted for updates. Without such a policy the site stays "
        "down until somebody notices and types a command."
    ),
    hints=[
        "What happens to a container when the machine boots again?",
        "The key restart of a service says when its container is started again.",
        "restart: unless-stopped   in both services, then docker compose up -d",
    ],
)
def test_restart(stack: Stack) -> None:
    """Both containers are started again after a crash and after a reboot."""
    for container in stack.both:
        expect(
            container.restart_policy in ("always", "unless-stopped"),
            expected=_("restart: always or unless-stopped"),
            seen=f"{container.name}: {container.restart_policy}",
            where="web1 $ docker inspect",
        )


@check(
    points=0.25,
    needs="deploy.restart",
    drill="crash",
    probes=(
        "The drill crash kills the processes of website and API on web1 with kill -9, while "
        "visitors open the page and press the button; the outage must end by itself, within the "
        "limit."
    ),
    why=(
        "Programs crash, and the kernel kills them when memory runs out. If they come back in "
        "seconds, nobody has to get up at night."
    ),
    hints=[
        "Kill the process of a container from outside: does the container come back?",
        "docker compose ps shows since when each container has been up; docker events, which died.",
        "restart: unless-stopped in both services, then docker compose up -d",
    ],
)
def test_comes_back(context_of_run: Context, note: Callable[[str], None]) -> None:
    """When its processes are killed, the stack comes back by itself."""
    must_pass(context_of_run, "crash", note)


@check(
    points=0.25,
    needs="deploy.comes_back",
    drill="reboot",
    requires=["power"],
    probes=(
        "The drill reboot takes web1's power away and lets it boot, while visitors open the page "
        "and press the button; the outage must end by itself, within the limit."
    ),
    why=(
        "After a power cut there is nobody who types docker compose up: what does not start with "
        "the machine is down until the morning."
    ),
    hints=[
        "Reboot web1: does the website answer again by itself?",
        "Docker itself must start with the machine; it then starts what has a restart policy.",
        (
            "sudo systemctl enable docker; restart: unless-stopped in both services, then docker "
            "compose up -d"
        ),
    ],
)
def test_survives_reboot(context_of_run: Context, note: Callable[[str], None]) -> None:
    """When the machine has lost its power and boots again, the stack comes back by itself."""
    must_pass(context_of_run, "reboot", note)
