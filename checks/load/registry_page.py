"""Locust scenario of step 9: the registry's page, and what it gets from the registry.

GET arrivals open the page; the others ask, through the page's own server, what the registry
holds. Options: `catalogue` (a path; "" for a page that sends browsers to the registry itself),
`authorization` (may be empty), `repository` (a name that the catalogue must hold).
"""

from __future__ import annotations

from checks.load.words import CATALOGUE
from labkit.load.openloop import Answer, OpenLoopUser, Request


class RegistryPage(OpenLoopUser):
    """Somebody who looks what the registry holds."""

    def get(self) -> Request:
        return Request("GET", "/")

    def post(self, post_id: str) -> Request:
        del post_id
        who = self.plan.options["authorization"]
        path = self.plan.options["catalogue"] or "/"
        return Request("GET", path, {"Authorization": who} if who else {})

    def wrong(self, request: Request, answer: Answer) -> str:
        if answer.status != 200:
            return f"status {answer.status}"
        if request.path == "/":
            return "" if b"<html" in answer.body.lower() else "no page"
        held = self.plan.options["repository"].encode() in answer.body
        return "" if held else "the image is not in it"

    def server(self, answer: Answer) -> str:
        return CATALOGUE if b'"repositories"' in answer.body else ""
