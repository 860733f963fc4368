"""Locust as a process of ours: `python -m labkit.load.generator`, with Locust's own options.

Locust has gevent patch the standard library, and at each moment of that gevent searches all
packages of this Python for plug-ins of its own (`gevent.events`), 25 times in all. Here it does so
once for each kind, which saves a fifth of the processor time that a generator's start takes.
"""

from __future__ import annotations

import functools
from importlib import metadata

metadata.entry_points = functools.cache(metadata.entry_points)  # type: ignore[assignment]

from locust.main import main  # noqa: E402  (what it imports patches at once)

if __name__ == "__main__":
    main()  # type: ignore[no-untyped-call]
