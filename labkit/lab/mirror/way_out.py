"""This computer's way to packages: its proxies and its index, which a build cannot know by itself.

Which proxies there are is Python's own answer (`urllib.request.getproxies`): the environment's,
else on macOS and Windows the system's.
"""

from __future__ import annotations

import os
import urllib.request


def proxies() -> dict[str, str]:
    """Variables of the environment, in both cases: apt and curl read the lower, others the upper.

    A build takes them as arguments that it need not declare, and that its history does not show.
    """
    found = urllib.request.getproxies()
    named = {f"{kind}_proxy": found.get(kind, "") for kind in ("http", "https", "no")}
    return {
        spelt: value for name, value in named.items() if value for spelt in (name, name.upper())
    }


def package_index() -> dict[str, str]:
    """The build argument that names Python's package index, if this computer has its own.

    An image's history shows it: one with a password in it is left out, and the public one is used.
    """
    index = os.environ.get("PIP_INDEX_URL", "")
    return {"PIP_INDEX_URL": index} if index and "@" not in index else {}
