"""The command line in a controller: as anywhere, and then what it wrote is packed to go home."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from labkit.cli.main import main
from labkit.lab.controller.files import collected
from labkit.lab.store import state_root


def work() -> None:
    """Run the verb; SystemExit with its exit code."""
    started = time.time()
    outputs = json.loads(os.environ.pop("LABKIT_OUTPUTS", "[]"))
    try:
        main()
    finally:
        collected(started, Path(state_root()), outputs)


if __name__ == "__main__":
    work()
