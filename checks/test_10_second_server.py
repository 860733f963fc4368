"""j) The same stack on web2, its image pulled from the registry."""

from __future__ import annotations

from collections.abc import Callable

from checks.judging import must_pass
from checks.pages import must_answer, must_list_when_pressed
from checks.students import students_of
from labkit.course import check, expect, not_met
from labkit.facts.docker import images
from labkit.facts.registry import Registry
from labkit.grading import Context
from labkit.lab import Lab
from labkit.locale import _
from labkit.remote import Shell
from subject.roles import Stack, is_student_age, must_have_other_images


@check(
    points=0.5,
    needs="machines.docker_web2",
    probes=(
        "On web2 both containers must run, the website's port published; then the button of web2's "
        "page is pressed from outside and must show each student that web2's API gives when it is "
        "asked directly."
    ),
    why=(
        "A second server that only looks alive is worse than none: everybody relies on it, and "
        "finds out on the day when the first one fails."
    ),
    hints=[
        "Does http://web2/ show the list, as web1 does?",
        "web2 needs the same files, the same stack, and the registry's image.",
        (
            'On web2, with ports: - "80:80" for the website: cd /srv/student-list && docker '
            "compose pull && docker compose up -d"
        ),
    ],
)
def test_lists(lab: Lab, lb: Shell, web2: Shell, stack2: Stack, stood_in: bool) -> None:
    """The website on web2 shows every student that its API knows."""
    running = stack2.running
    if not stack2.both:  # its image should have come from the registry: can the lab have that one?
        must_have_other_images(lb, stood_in=stood_in)
    if len(running) < 2 or not stack2.website or not stack2.website_port:
        not_met(
            expected=_("website and API running on web2, the website's port published"),
            seen=", ".join(one.name for one in running) or _("no container of this project"),
            where="web2 $ docker compose ps -a",
        )
    port = stack2.website_port
    must_answer(lab, web2, stack2.website, port)
    must_list_when_pressed(lab, "web2", port, lambda: students_of(web2, stack2))


@check(
    points=0.25,
    needs=["second-server.lists", "registry.pushed"],
    probes=(
        "The id of the image that web2's API runs is compared with what the registry holds under "
        "the name student-age: it must be one of these."
    ),
    why=(
        "Two builds of one Dockerfile may hold different packages. If the servers differ, every "
        "second visitor meets a fault that can hardly be found."
    ),
    hints=[
        "Is the image on web2 the one that web1 pushed?",
        "docker image inspect shows an image's id and the registry that it came from.",
        (
            "In .env on web2: STUDENT_AGE_IMAGE=lb:5000/student-age:1.0, or in docker-compose.yml "
            "image: lb:5000/student-age:1.0; then docker compose pull && docker compose up -d"
        ),
    ],
)
def test_same_image(web2: Shell, stack2: Stack, registry: Registry) -> None:
    """The API on web2 runs the image that is in the registry."""
    if stack2.api is None:
        not_met(expected=_("a container of the API"), seen=_("none"), where="web2")
    running = stack2.api.image_id
    mine = next((one for one in images(web2) if one.id == running), None)
    identities = {running} | {
        digest.rpartition("@")[2] for digest in (mine.digests if mine else ())
    }
    expect(
        identities & set().union(*registry.pushed(is_student_age).values(), set()),
        expected=_("the image of {registry}", registry=registry.name),
        seen=_("{name}, another image", name=stack2.api.image),
        where="web2 $ docker compose images",
    )


@check(
    points=0.25,
    needs=["second-server.lists", "deploy.survives_reboot"],
    drill="alone",
    requires=["power"],
    probes=(
        "The drill alone takes web1's power away while visitors open web2's page and press its "
        "button: not one of their requests may be lost."
    ),
    why=(
        "If web2 needs anything of web1, as its API, both die together, and the second server was "
        "one on paper only."
    ),
    hints=[
        "Switch web1 off and press the button on web2: whose API does its page ask?",
        "Everything that web2's website needs must run on web2.",
        (
            "On web2: http://api:5000/pozos/api/v1.0/get_student_ages in website/index.php, api "
            "being the service's name; then docker compose up -d"
        ),
    ],
)
def test_alone(context_of_run: Context, note: Callable[[str], None]) -> None:
    """It serves alone while web1 is off."""
    must_pass(context_of_run, "alone", note)
