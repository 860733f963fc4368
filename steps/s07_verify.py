"""g) A browser sees the list of students."""

from __future__ import annotations

from labkit.course import Files, step
from labkit.remote import Shells
from steps.stack import compose_up, stack_of, website_service


@step(
    7,
    "verify",
    letter="g",
    on="web1",
    needs=["machines", "deploy", "index"],
    shows=True,
    title={"en": "The list of students is seen", "fr": "La liste des étudiants s'affiche"},
)
def verify(shells: Shells, files: Files) -> None:
    """Do what the button does; what is down on web1 is started first."""
    web1 = shells["web1"]
    compose_up(web1, files)
    stack = stack_of(files)
    port = stack.compose("port", website_service(web1), "80")
    site = f'"http://$({port})/"'
    code = "curl -sS -o /dev/null -w '%{http_code}\\n'"
    web1.run(f"{code} --retry 5 --retry-connrefused {site}", cwd=stack.folder)
    web1.run(f"{code} -X POST -d submit=list {site}", cwd=stack.folder)
