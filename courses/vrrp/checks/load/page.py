"""Locust scenario: a visitor opens the page at the address that moves."""

from __future__ import annotations

from labkit.load.openloop import Answer, OpenLoopUser, Request


class Visitor(OpenLoopUser):
    """Who opens the page; every 2xx with a page in it is right."""

    def get(self) -> Request:
        return Request("GET", "/")

    def post(self, post_id: str) -> Request:
        raise NotImplementedError(f"there is nothing to post ({post_id})")

    def wrong(self, request: Request, answer: Answer) -> str:
        del request
        if not 200 <= answer.status < 300:
            return f"status {answer.status}"
        return "" if answer.body.strip() else "an empty page"
