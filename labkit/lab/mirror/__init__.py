"""The mirror: the lab's own store of base images, so that a class works offline.

One volume per computer holds it, one small read-only registry per lab serves it, and every
machine's engine asks that registry first for the names of Docker Hub.
"""

from __future__ import annotations

from labkit.lab.mirror.content import (
    Entry,
    MirrorContents,
    add_image,
    contents,
    digests,
    ensure_mirror,
    fill_from_archive,
    fill_from_hub,
    mirror_archive,
    wanted_contents,
)
from labkit.lab.mirror.server import run_mirror

__all__ = [
    "Entry",
    "MirrorContents",
    "add_image",
    "contents",
    "digests",
    "ensure_mirror",
    "fill_from_archive",
    "fill_from_hub",
    "mirror_archive",
    "run_mirror",
    "wanted_contents",
]
