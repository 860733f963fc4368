"""Notes what Locust's users did, request by request; a second locustfile, without users.

One JSON line per request that came to an end, into the file that `LABKIT_STOCK_ROWS` names: when
it was started (epoch seconds), how long it took (seconds), whether Locust calls it a failure.
Locust's own reports say neither when requests were started nor how many in which second.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from locust import events

ROWS = Path(os.environ["LABKIT_STOCK_ROWS"]).open("a", encoding="utf-8")  # noqa: SIM115


@events.request.add_listener  # type: ignore[untyped-decorator]
def note(start_time: float, response_time: float, exception: Any, **_others: Any) -> None:
    """A request has ended."""
    row = {"started": start_time, "took_s": response_time / 1000, "failed": bool(exception)}
    ROWS.write(json.dumps(row) + "\n")
    ROWS.flush()
