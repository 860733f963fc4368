"""Where the machines cannot be reached from here: the verb is handed to a controller that can.

The command line is read here, so that help and mistakes are answered at once, and so that the files
that it names can go along.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from labkit.cli import show
from labkit.cli.paths import Reads, Writes
from labkit.errors import UsageError
from labkit.lab.containers.endpoint import inside
from labkit.locale import _

# What needs no machine, or this computer's browser.
HERE = {
    "init", "docs", "explain", "open", "leftovers", "evidence verify", "evidence export",
    "class watch", "class similar", "class report",
}  # fmt: skip
READ_INPUT = {"ssh", "exec"}


def relayed(group: click.Group, arguments: Sequence[str]) -> int | None:
    """The exit code of a verb that was carried out in a controller; None if it is to be done here.

    Errors of the command line are raised as click raises them.
    """
    if inside():
        return None
    ctx = group.make_context("labkit", list(arguments))
    rest = _rest(ctx)
    if not rest or rest[0] in HERE:
        return None
    with ctx:
        if group.callback:
            ctx.invoke(group.callback, **ctx.params)  # the language, the course, ctx.obj
        from labkit.lab.reach import reach  # nothing is asked for what needs no machine

        way = reach(asking=rest[0] in ("up", "doctor"))
        if way.way == "direct":
            return None
        verb = _verb(ctx, rest)
        typed = verb.command_path.split(" ", 1)[1]
        if typed in HERE or _is_vagrants(ctx, verb) or _is_by_api(verb):
            return None
        if typed == "doctor" and not _made():
            return None
        return _controlled(ctx, verb, rest, way.why)


def _rest(ctx: click.Context) -> list[str]:
    """What follows a group's own options: click keeps the verb apart from its arguments."""
    return [*ctx._protected_args, *ctx.args]


def _verb(ctx: click.Context, words: list[str]) -> click.Context:
    """The verb that the words name, with its options read; that of a group is a word further."""
    while isinstance(ctx.command, click.Group) and words:
        name, command, words = ctx.command.resolve_command(ctx, words)
        if command is None:
            break
        ctx = command.make_context(name, words, parent=ctx)
        words = _rest(ctx)
    return ctx


def _is_vagrants(ctx: click.Context, verb: click.Context) -> bool:
    """Whether the verb is about virtual machines, which are reached from here."""
    from labkit.lab import is_vagrants
    from labkit.lab.store import state_root

    provider = verb.params.get("provider")
    lab = verb.params.get("lab_name") or ctx.obj["lab"]
    return bool(provider == "vagrant" or (not provider and is_vagrants(state_root() / lab)))


def _is_by_api(verb: click.Context) -> bool:
    """Whether the engine's API is enough: for a bundle, which brings the controller's image too."""
    of_bundle = ("target", "source", "proven")
    return verb.info_name == "bundle" and any(verb.params[name] for name in of_bundle)


def _made() -> bool:
    """Whether the engine has the controller's image: looking at a computer changes nothing."""
    from labkit.course import course_root
    from labkit.lab.containers.engine import connect
    from labkit.lab.controller.image import controller_reference
    from labkit.lab.mirror.building import has_image

    return has_image(connect(), controller_reference(course_root()))


def _controlled(ctx: click.Context, verb: click.Context, rest: list[str], why: str) -> int:
    from labkit.cli.session import the_course, the_workspace
    from labkit.lab.containers.engine import connect, must_have_control_groups
    from labkit.lab.controller.files import there
    from labkit.lab.controller.image import ensure_controller_image
    from labkit.lab.controller.run import run

    if verb.params.get("evidence"):
        raise UsageError(
            _("evidence is not signed in a controller: your key stays on this computer"),
            where="--evidence",
            then=_("labkit grade, or the same on a computer with its own Docker Engine"),
        )
    course = the_course()
    words = ["--lab", ctx.obj["lab"]]
    inputs, outputs = [], []
    workspace = the_workspace(ctx, course)
    if workspace:
        words += ["--workspace", there(workspace)]
        inputs.append(workspace)
    for parameter in verb.command.params:
        value = verb.params.get(parameter.name or "")
        if value and isinstance(parameter.type, Reads | Writes):
            place = Path(value).absolute()
            inputs.append(place)
            if isinstance(parameter.type, Writes):
                outputs.append(place)
    engine = connect()
    must_have_control_groups(engine)
    return run(
        engine,
        ensure_controller_image(engine, show.say, course.root),
        [*words, *rest],
        why=why,
        inputs=inputs,
        outputs=outputs,
        reads_input=rest[0] in READ_INPUT,
    )
