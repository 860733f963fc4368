"""Locust scenario of step 8: clients who pull from the registry, as an engine does it.

GET arrivals ask for the manifest, the others for the image's configuration. What comes must be
what its digest says (OCI distribution specification: a digest is `sha256:` and the SHA-256 of the
content).

Options: `manifest` and `blob` (paths), `accept`, `authorization` (may be empty), `digest` (of the
manifest as it was pushed).
"""

from __future__ import annotations

import hashlib

from checks.load.words import ANOTHER
from labkit.load.openloop import Answer, OpenLoopUser, Request


class Registry(OpenLoopUser):
    """An engine that pulls."""

    def get(self) -> Request:
        return self._ask(self.plan.options["manifest"])

    def post(self, post_id: str) -> Request:
        del post_id
        return self._ask(self.plan.options["blob"])

    def wrong(self, request: Request, answer: Answer) -> str:
        if answer.status != 200:
            return f"status {answer.status}"
        options = self.plan.options
        wanted = options["digest"]
        if request.path == options["blob"]:
            wanted = request.path.rpartition("/")[2]
        found = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        return "" if found == wanted else ANOTHER

    def _ask(self, path: str) -> Request:
        who = self.plan.options["authorization"]
        headers = {"Accept": self.plan.options["accept"]}
        return Request("GET", path, headers | ({"Authorization": who} if who else {}))
