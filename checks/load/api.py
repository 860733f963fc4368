"""Locust scenario of step 3: the API alone, without website or balancer.

GET arrivals ask for the list with the right credentials. The others are visitors who do it wrong,
one way after another: no password, a wrong one, no such path, a method that does not exist there,
a header that nobody can read, one that is long.

Options: `path`, `authorization` (the header's value), `student` (a name that the list must hold).
"""

from __future__ import annotations

from checks.load.words import LET_IN
from labkit.load.openloop import Answer, OpenLoopUser, Request

LONG = 4_000  # bytes of a header: every server takes it, and it is still no password


class Api(OpenLoopUser):
    """A program that asks the API, and others that ask it wrongly."""

    def get(self) -> Request:
        return self._ask()

    def post(self, post_id: str) -> Request:
        ways = (
            self._ask(authorization=""),
            self._ask(authorization="Basic dG90bzpub3QtdGhlLXBhc3N3b3Jk"),
            self._ask(authorization="Basic \xff\xfe not base64"),
            self._ask(path="/no/such/path"),
            self._ask(method="DELETE"),
            Request("GET", self._option("path"), {"X-Long": "x" * LONG}),
        )
        return ways[int(post_id.rpartition("-")[2]) % len(ways)]

    def wrong(self, request: Request, answer: Answer) -> str:
        right = self._ask()
        listed = self._option("student").encode() in answer.body
        if request == right:
            if answer.status != 200:
                return f"status {answer.status}"
            return "" if listed else "no list of students"
        if listed:
            return LET_IN
        return "" if 400 <= answer.status < 500 else f"status {answer.status} to a bad request"

    def _ask(
        self, *, method: str = "GET", path: str = "", authorization: str | None = None
    ) -> Request:
        value = self._option("authorization") if authorization is None else authorization
        headers = {"Authorization": value} if value else {}
        return Request(method, path or self._option("path"), headers)

    def _option(self, name: str) -> str:
        return self.plan.options[name]
