"""Locust scenario of steps 5, 7, 10, 11 and 13: the website, alone or behind the balancer.

GET / is the page, POST / presses its button, which lists the students through the API.

Options (strings, given by whoever starts the load):
- `action`: where the button's form goes, `/` by default;
- `form`: the body that the button sends, url-encoded, `submit=` by default;
- `must_contain`: texts that a right list contains, one per line; a blank line begins another list
  that is right as well (two servers may know other students). Without it every 2xx is right
  whose body shows no error of PHP.
"""

from __future__ import annotations

import html
import re

from checks.load.words import UNTOLD
from labkit.load.openloop import Answer, OpenLoopUser, Request

# What PHP prints into a page when the API cannot be reached: a 200 that lists nobody.
PHP_ERRORS = (b"<b>Warning</b>:", b"<b>Fatal error</b>:", b"Failed to open stream")
# How a page of a student's own may say so, in the languages of the practical.
TOLD = re.compile(
    rb"error|warning|exception|cannot|unavailable|unreachable|refused|fail|time.?out"
    rb"|erreur|impossible|indisponible|inaccessible|injoignable|chec\b|refus",
    re.IGNORECASE,
)
HIDDEN = re.compile(rb"<(/?)(style|script)\b", re.IGNORECASE)
TAG = re.compile(rb"<[^<>]*>")

POST_HEADER = "X-Labkit-Post"


class Website(OpenLoopUser):
    """A visitor who opens the page, or presses its button."""

    def get(self) -> Request:
        return Request("GET", "/")

    def post(self, post_id: str) -> Request:
        form = self.plan.options.get("form", "submit=")
        headers = {"Content-Type": "application/x-www-form-urlencoded", POST_HEADER: post_id}
        # In the address, too: Apache's own log then says how often each POST was carried out.
        mark = f"labkit_post={post_id}"
        action = self.plan.options.get("action", "/")
        path = f"{action}{'&' if '?' in action else '?'}{mark}"
        return Request("POST", path, headers, f"{form}&{mark}".encode("utf-8", "replace"))

    def wrong(self, request: Request, answer: Answer) -> str:
        if not 200 <= answer.status < 300:
            return f"status {answer.status}"
        if any(error in answer.body for error in PHP_ERRORS):
            return "a PHP error in the page"
        if request.method == "POST" and not self._lists(answer.body):
            told = TOLD.search(_shown(answer.body))
            return "an error in the page" if told else UNTOLD
        return ""

    def _lists(self, body: bytes) -> bool:
        page = html.unescape(body.decode("utf-8", "replace"))
        lists = self.plan.options.get("must_contain", "").split("\n\n")
        return any(all(text in page for text in one.splitlines()) for one in lists)


def _shown(body: bytes) -> bytes:
    """What a visitor reads of a page: no tags, styles or scripts. One pass, whatever is in it."""
    parts, hidden, begin = [], b"", 0
    for mark in HIDDEN.finditer(body):
        closes, name = bool(mark.group(1)), mark.group(2).lower()
        if not hidden and not closes:
            parts.append(body[begin : mark.start()])
            hidden = name
        elif closes and name == hidden:
            hidden, begin = b"", mark.start()
    if not hidden:
        parts.append(body[begin:])
    return TAG.sub(b" ", b" ".join(parts))
