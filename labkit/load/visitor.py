"""Who a load seems to come from: a browser, another one in each run."""

from __future__ import annotations

import random

SYSTEMS = (
    "X11; Linux x86_64",
    "X11; Ubuntu; Linux x86_64",
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10.15",
)
VERSIONS = range(115, 146)


def browser(run: str) -> str:
    """The User-Agent of a run, by its id: a service cannot know who asks, nor tell it next time."""
    chosen = random.Random(run)
    version = chosen.choice(VERSIONS)
    system = chosen.choice(SYSTEMS)
    return f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
