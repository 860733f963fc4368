"""Pages, asked as a visitor would: from outside the machines."""

from __future__ import annotations

from http.client import HTTPException

from labkit.facts.http.browser import ask

LIMIT_S = 3.0


def page_at(address: str) -> tuple[int, str]:
    """Status and text of http://ADDRESS/; 0 and the reason if nobody answers."""
    try:
        answer = ask(address, 80, "/", patience_s=LIMIT_S)
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a length that is none
        return 0, type(error).__name__
    return answer.status, answer.text
