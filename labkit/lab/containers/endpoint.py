"""Which Docker Engine is meant, as Docker's own programs decide it, and whether we are beside it.

Only the environment is read; nothing is connected to.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

USUAL = "unix:///var/run/docker.sock"
INSIDE = "LABKIT_CONTROLLER"  # set in a controller: why there is one


def inside() -> bool:
    """Whether this process is a controller's."""
    return INSIDE in os.environ


def endpoint() -> str:
    """DOCKER_HOST, else the name of the context that is in use, else the usual socket.

    A context (docker context use) is what Docker Desktop, Colima and their like are found by.
    """
    context = os.environ.get("DOCKER_CONTEXT") or _configured()
    return os.environ.get("DOCKER_HOST") or ("" if context == "default" else context) or USUAL


def _configured() -> str:
    folder = os.environ.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
    try:
        text = Path(folder, "config.json").read_text(encoding="utf-8")
        return str(json.loads(text).get("currentContext", ""))
    except (OSError, ValueError, AttributeError):
        return ""
