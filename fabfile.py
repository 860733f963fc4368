"""The steps of the practical as plain Fabric tasks: `fab --list`, then `fab build`.

They act on the lab that LABKIT_LAB names (`default`). Unlike `labkit step` they do not look first
at what holds already, nor afterwards at whether it worked.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from invoke import Collection, Context, Task

from labkit.course import Files, Step, find_workspace, load_course
from labkit.grading.stepping import call
from labkit.lab import open_lab, open_shells
from labkit.reporting import CommandTyped, Event, OutputLine, Reporter

COURSE = load_course()


class Plain(Reporter):
    """Commands and their output, as they come."""

    def tell(self, event: Event) -> None:
        if isinstance(event, CommandTyped):
            print(f"{event.machine} $ {event.command}", flush=True)
        elif isinstance(event, OutputLine):
            print(f"  {event.line}", flush=True)


def as_task(step: Step) -> Task[Any]:
    """A Fabric task that carries out a step of the course."""

    def body(_context: Context) -> None:
        lab = open_lab(os.environ.get("LABKIT_LAB", "default"))
        workspace = find_workspace(os.environ.get("LABKIT_WORKSPACE", ""), Path.cwd(), COURSE)
        shells = open_shells(lab, Plain())
        try:
            call(step, shells, Files(COURSE.root, workspace))
        finally:
            for shell in shells.values():
                shell.close()

    body.__doc__ = f"{step.letter}) {step.title('en')}"
    return Task(body, name=step.slug, aliases=(f"step-{step.number}",))


namespace = Collection(*(as_task(step) for step in COURSE.steps))
