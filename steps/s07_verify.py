"""g) A browser sees the list of students."""

from __future__ import annotations

from labkit.course import step
from labkit.remote import Shell
from steps.project import PROJECT, compose_up


@step(
    7,
    "verify",
    letter="g",
    on="web1",
    needs=["machines", "deploy", "index"],
    title={"en": "The list of students is seen", "fr": "La liste des étudiants s'affiche"},
)
def verify(web1: Shell) -> None:
    """Do what the button does; what is down on web1 is started first."""
    compose_up(web1, cwd=PROJECT)
    web1.run(
        "curl -sS --retry 5 --retry-connrefused -o /dev/null -w '%{http_code}\\n' http://web1/"
    )
    web1.run("curl -sS -X POST -d submit=list http://web1/ | grep -i '<li>'")
