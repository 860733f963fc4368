"""g) A browser sees the list of students."""

from __future__ import annotations

from collections.abc import Callable

from checks.judging import must_pass
from checks.pages import fetch, list_form, must_be_ok, must_list_when_pressed
from checks.rehearsal import Rehearsed
from checks.students import students_of
from labkit.course import check, expect
from labkit.grading import Context
from labkit.lab import Lab
from labkit.locale import _
from labkit.remote import Shell
from subject.roles import Stack


@check(
    points=0.25,
    needs=["deploy.running", "index.valid"],
    probes=(
        "The website of web1 is opened from outside, as a browser does, with 5 s of patience, 12 s "
        "the second time: status 200, and a form with a button."
    ),
    why=(
        "A server that answers is not yet a website: a page without its button is of no use to "
        "visitors, however green the monitoring is."
    ),
    hints=[
        "Open the page in a browser: labkit open web1. Is there a button?",
        "The page is website/index.php; keep its form.",
        (
            'In website/index.php: <form method="post"> · <button type="submit" name="submit" '
            'value="list">List students</button> · </form>'
        ),
    ],
)
def test_form(lab: Lab, stack: Stack) -> None:
    """The page has a button to list the students."""
    page = fetch(lab, "web1", stack.website_port)
    must_be_ok(page)
    list_form(page)


@check(
    points=0.5,
    needs=["verify.form", "index.reaches"],
    probes=(
        "The button of web1's page is pressed from outside, as by a browser; the page must show "
        "the name and the age of each student that web1's API gives when it is asked directly."
    ),
    why=(
        "This is what the website is for. Each part may run and the list be missing all the same; "
        "only the visitor's own way, through all of them, proves it."
    ),
    hints=[
        "Press the button: what does the page say?",
        "An error on the page names its cause; docker compose logs shows both sides.",
        (
            "In index.php: getenv('USERNAME') . ':' . getenv('PASSWORD') goes to "
            "http://api:5000/pozos/api/v1.0/get_student_ages; of what comes back, "
            "json_decode($body, true)['student_ages'] is shown by foreach ($list as $name => $age)"
        ),
    ],
)
def test_list(lab: Lab, web1: Shell, stack: Stack, rehearsed: Rehearsed) -> None:
    """The button shows every student that the API knows."""
    port = stack.website_port
    must_list_when_pressed(lab, "web1", port, lambda: students_of(web1, stack))
    expect(
        rehearsed.shown,
        expected=_("the students that the API gives, whoever they are"),
        seen=_("asked with another list, the page says: {text}", text=rehearsed.page[:160]),
        where="web1, " + _("the same website before an API with one unknown student"),
    )


@check(
    points=0.25,
    needs="verify.list",
    drill="no-api",
    probes=(
        "The drill no-api stops web1's API while visitors press the button; until it is back, the "
        "page must show an error, and never a list."
    ),
    why=(
        "An empty or old list that looks like success deceives visitors and monitoring alike: "
        "nobody repairs what seems to be well."
    ),
    hints=[
        "Stop the API and press the button: what does a visitor see?",
        "Without the API the page must say so: neither an old list nor an empty one.",
        (
            "In index.php, at each request anew: $body = @file_get_contents(API, false, $context); "
            "and if ($body === false) throw new RuntimeException('The API cannot be reached.');"
        ),
    ],
)
def test_honest(context_of_run: Context, note: Callable[[str], None]) -> None:
    """While the API is stopped the page says so, and afterwards it shows the list again."""
    must_pass(context_of_run, "no-api", note)
