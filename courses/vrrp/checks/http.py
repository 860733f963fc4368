"""Pages, asked as a visitor would: from outside the machines."""

from __future__ import annotations

import requests

LIMIT_S = 3.0
LONGEST = 64 * 1024  # bytes of a page that are read


def page_at(address: str) -> tuple[int, str]:
    """Status and text of http://ADDRESS/; 0 and the reason if nobody answers."""
    with requests.Session() as session:
        session.trust_env = False  # a campus proxy knows nothing of a lab
        try:
            url = f"http://{address}/"
            answer = session.get(url, timeout=LIMIT_S, allow_redirects=False, stream=True)
            return answer.status_code, next(answer.iter_content(LONGEST), b"").decode(
                "utf-8", "replace"
            )
        except requests.RequestException as error:
            return 0, type(error).__name__
