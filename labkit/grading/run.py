"""The checks of a course in pytest: collected once in a process, asked as often as needed.

pytest ends a session when `pytest.main` returns. Here the session stays open between runs: each
run goes through pytest's own protocol for its checks, and ends with every fixture torn down, so
that the next one asks its facts anew.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from types import FrameType

import pytest
from _pytest.config import ConftestImportFailure, _prepareconfig  # as pytest-xdist's workers do

from labkit.course import Course
from labkit.errors import LabkitError
from labkit.grading.graph import Graph
from labkit.grading.plugin import CheckPlugin, Run
from labkit.locale import _

# Without a terminal, and without what takes over a hook of the whole process while a session is
# open: between the runs the process is not a test.
LEFT_OUT = (
    "terminal", "cacheprovider", "logging", "faulthandler", "threadexception",
    "unraisableexception",
)  # fmt: skip


class Checks:
    """The checks of one course in an open session of pytest."""

    def __init__(self, course: Course) -> None:
        """Collect them. LabkitError if they cannot be read."""
        self.root = course.root
        self._plugin = CheckPlugin(course)
        folder = course.root / "checks"
        try:
            with _nobodys_settings():
                self._collect(folder)
        except (pytest.UsageError, ConftestImportFailure) as error:
            self._plugin.errors.append(str(error))
        if self._plugin.errors:
            errors = "\n".join(self._plugin.errors[:3])
            raise LabkitError(
                _("the course's checks cannot be read:\n{errors}", errors=errors),
                where=str(folder),
                then="python -m pytest --collect-only checks",
            )

    def _collect(self, folder: Path) -> None:
        words = [f"-pno:{name}" for name in LEFT_OUT]
        words += [str(folder), f"--rootdir={self.root}", "--capture=no"]
        # A check says by `expect` what it saw: nothing is gained by compiling each assertion anew.
        words += [f"--config-file={folder / 'pytest.ini'}", "--assert=plain"]
        self._config = _prepareconfig(words, [self._plugin])
        try:
            self._config._do_configure()
            # How a check ended is read from the error itself. What pytest writes of it nobody
            # sees, and the source of each frame on its way takes a tenth of a second.
            self._config.option.tbstyle = "native"
            self._session = pytest.Session.from_config(self._config)
            self._config.hook.pytest_sessionstart(session=self._session)
            self._config.hook.pytest_collection(session=self._session)
        except BaseException:
            self._config._ensure_unconfigure()
            raise

    @property
    def graph(self) -> Graph:
        """All checks of the course and what they wait for."""
        return self._plugin.graph

    def ask(self, run: Run) -> None:
        """Ask the planned checks in their order; every fixture is made anew, and torn down.

        KeyboardInterrupt ends the session, as it ends pytest's; the next run collects again.
        """
        items = [self._plugin.items[name] for name in run.planned]
        self._plugin.run = run
        try:
            with _interrupts() as interrupted:
                for item, following in zip_longest(items, items[1:]):
                    self._config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                    if interrupted():
                        raise KeyboardInterrupt
        except pytest.exit.Exception as error:
            self.close()
            raise KeyboardInterrupt from error
        except BaseException:
            self.close()
            raise
        finally:
            self._plugin.run = None

    def close(self) -> None:
        """End the session: fixtures that an interrupt left are torn down."""
        _open.pop(self.root, None)
        try:
            self._config.hook.pytest_sessionfinish(session=self._session, exitstatus=0)
        finally:
            self._config._ensure_unconfigure()


_open: dict[Path, Checks] = {}  # one at most: two sessions at once would mix up their modules


def collected(course: Course) -> Checks:
    """The checks of a course; read from its files on the first call in this process."""
    if course.root not in _open:
        for other in list(_open.values()):
            other.close()
        _open[course.root] = Checks(course)
    return _open[course.root]


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Whether somebody has interrupted since.

    A check that is interrupted puts its things away, and what fails there takes the place of the
    interrupt: the check would count as one that could not tell, and the run go on.
    """
    seen = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        seen = True
        signal.default_int_handler(number, frame)

    # Ctrl-C, and what a command takes for it: a polite kill, a terminal that is closed.
    ending = [
        one for one in signal.valid_signals() if signal.getsignal(one) is signal.default_int_handler
    ]
    for one in ending:
        signal.signal(one, note)
    try:
        yield lambda: seen
    finally:
        for one in ending:
            signal.signal(one, signal.default_int_handler)


@contextmanager
def _nobodys_settings() -> Iterator[None]:
    """Keep pytest from what whoever grades has set, or installed, for tests of their own.

    PYTEST_ADDOPTS="-k name" would leave out checks; see docs.pytest.org, "Environment variables".
    """
    theirs = {name: value for name, value in os.environ.items() if name.startswith("PYTEST_")}
    for name in theirs:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        os.environ.update(theirs)
