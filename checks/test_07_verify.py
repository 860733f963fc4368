"""g) A browser sees the list of students."""

from __future__ import annotations

from collections.abc import Callable

from checks.compose import Stack
from checks.judging import must_pass
from checks.pages import fetch, list_form, must_list, press_button
from checks.students import students_of
from labkit.course import check
from labkit.grading import Context
from labkit.lab import Lab
from labkit.remote import Shell


@check(
    points=0.25,
    needs=["deploy.running", "index.valid"],
    hints=[
        "Open the page in a browser: labkit open web1. Is there a button?",
        "The page is website/index.php; keep its form.",
        "cp the form of the given website/index.php back into yours.",
    ],
)
def test_form(lab: Lab, stack: Stack) -> None:
    """The page has a button to list the students."""
    page = fetch(lab, "web1", stack.website_port)
    page.must_be_ok()
    list_form(page)


@check(
    points=0.5,
    needs=["verify.form", "index.reaches"],
    hints=[
        "Press the button: what does the page say?",
        "An error on the page names its cause; docker compose logs shows both sides.",
        "http://api:5000/... in index.php; USERNAME: toto, PASSWORD: python in docker-compose.yml",
    ],
)
def test_list(lab: Lab, web1: Shell, stack: Stack) -> None:
    """The button shows every student that the API knows."""
    must_list(press_button(lab, "web1", stack.website_port), students_of(web1, stack))


@check(
    points=0.25,
    needs="verify.list",
    drill="no-api",
    hints=[
        "Stop the API and press the button: what does a visitor see?",
        "Without the API the page must say so: neither an old list nor an empty one.",
        "In index.php keep the given error message, and ask the API anew at each request.",
    ],
)
def test_honest(context_of_run: Context, note: Callable[[str], None]) -> None:
    """While the API is stopped the page says so, and afterwards it shows the list again."""
    must_pass(context_of_run, "no-api", note)
