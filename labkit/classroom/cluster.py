"""Entries graded on more computers than one, by a Dask scheduler that runs already.

A slot is a lab: each worker says how many it offers (`--resources lab=1`). Nothing is trusted to
the scheduler's memory: what it forgets when it dies is given to the next one at the same address.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from labkit.errors import NotReadyError
from labkit.locale import _

SLOT = "lab"  # the name of the resource
WAIT_S = 120  # for a scheduler, which is perhaps just being started again


class Cluster(Executor):
    """A connection to a scheduler. NotReadyError if none answers within `wait_s`."""

    def __init__(self, address: str, *, wait_s: float = WAIT_S) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise NotReadyError(
                _("Dask is not installed"), where=address, then="pip install 'labkit[cluster]'"
            ) from error
        # What it has to say of a scheduler that is gone is said by us, once.
        logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
        try:
            self._client = Client(address, timeout=wait_s, set_as_default=False)
        except (OSError, ValueError) as error:
            raise NotReadyError(
                _("no Dask scheduler answers; what was graded is kept"),
                where=address,
                then="labkit class workers",
            ) from error
        self._executor = self._client.get_executor(pure=False, resources={SLOT: 1})

    @property
    def slots(self) -> int:
        """How many labs the workers offer together, as of now."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return int(sum(worker["resources"].get(SLOT, 0) for worker in workers))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As every executor; a future is cancelled when the scheduler is gone."""
        future: Future[Any] = self._executor.submit(fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Forget what was not graded. What a worker has begun it ends, and nobody reads it."""
        self._executor.shutdown(wait=wait and not cancel_futures)
        self._client.close()


def cluster_at(address: str, *, wait_s: float = WAIT_S) -> Callable[[int], Executor]:
    """What gives a new connection at each call, however many labs are asked for."""
    return lambda _count: Cluster(address, wait_s=wait_s)
