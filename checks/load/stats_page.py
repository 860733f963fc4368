"""Locust scenario of step 12: the statistics page, asked for what it says of one server.

Options: `path` (of the page's CSV form), `authorization` (may be empty), `backend`, `server`.
The row's `server` is that server and the state that the page gives it: `web1 DOWN`.
"""

from __future__ import annotations

import csv

from labkit.load.openloop import Answer, OpenLoopUser, Request


class StatsPage(OpenLoopUser):
    """Somebody who watches the page."""

    def get(self) -> Request:
        who = self.plan.options["authorization"]
        return Request("GET", self.plan.options["path"], {"Authorization": who} if who else {})

    def wrong(self, request: Request, answer: Answer) -> str:
        del request
        if answer.status != 200:
            return f"status {answer.status}"
        return "" if self.server(answer) else "the server is not on the page"

    def server(self, answer: Answer) -> str:
        lines = answer.body.decode("utf-8", "replace").lstrip("# ").splitlines()
        wanted = (self.plan.options["backend"], self.plan.options["server"])
        for row in csv.DictReader(lines):
            if (row.get("pxname"), row.get("svname")) == wanted:
                return f"{wanted[1]} {(row.get('status') or '').split(' ')[0]}"
        return ""
