"""f) index.php reaches the API by the name of its service."""

from __future__ import annotations

from labkit.course import Files, step
from labkit.remote import Shells
from steps.project import INDEX
from steps.stack import place_page, stack_of, website_service


@step(
    6,
    "index",
    letter="f",
    on="web1",
    needs=["machines", "compose", "deploy"],
    artefacts=[INDEX],
    title={"en": "The page finds the API", "fr": "La page trouve l'API"},
)
def index(shells: Shells, files: Files) -> None:
    """The edited page, and PHP's own opinion of it."""
    web1 = shells["web1"]
    place_page(files, web1)
    if files.submission:
        return  # the checks ask PHP the same
    service = website_service(web1)
    stack = stack_of(files)
    command = stack.compose("exec", "-T", service, "php", "-l", "/var/www/html/index.php")
    web1.run(command, cwd=stack.folder)
