"""The command line: one module per verb, loaded when it is called."""

from __future__ import annotations

import ast
import importlib
import io
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labkit import __version__, child
from labkit.cli import show
from labkit.errors import EXIT_INCONCLUSIVE, EXIT_USAGE, LabkitError
from labkit.locale import LANGUAGES, _

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VERBS = (
    "init", "up", "status", "docs", "step", "check", "hint", "explain", "drill", "grade", "reset",
    "save", "restore", "ssh", "exec", "logs", "open", "down", "destroy", "doctor", "leftovers",
    "bundle", "class", "variant", "evidence", "verify",
)  # fmt: skip
COMPLETING = "_LABKIT_COMPLETE"


class Verbs(click.Group):
    """The verbs, in the order in which one meets them; each is imported when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The verb's module is named after it, with a v_ so that `exec` and `open` can be."""
        del ctx
        if name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"labkit.cli.v_{name}").command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The verbs that begin so, or the options; no verb is imported for it."""
        from click.shell_completion import CompletionItem  # only a shell that completes needs it

        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(
                name, help=click.Command(name, help=_docstring(name)).get_short_help_str()
            )
            for name in VERBS
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with a line each; none of them is imported for it."""
        del ctx
        room = formatter.width - 6 - max(map(len, VERBS))
        rows = [
            (name, click.Command(name, help=_docstring(name)).get_short_help_str(room))
            for name in VERBS
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _docstring(verb: str) -> str:
    """What a verb's command says of itself, read from its source."""
    source = Path(__file__).with_name(f"v_{verb}.py").read_text(encoding="utf-8")
    functions = (one for one in ast.parse(source).body if isinstance(one, ast.FunctionDef))
    return next(ast.get_docstring(one) or "" for one in functions if one.name == "command")


@click.group(cls=Verbs, context_settings={"auto_envvar_prefix": "LABKIT"})
@click.version_option(__version__, prog_name="labkit")
@click.option("--lab", default="default", show_default=True, help="The lab's name.")
@click.option("--workspace", default="", metavar="DIR", help="The learner's folder.")
@click.option("--course", default="", metavar="DIR", help="The course's folder, or its name.")
@click.option(
    "--progress",
    default="terminal",
    show_default=True,
    type=click.Choice(show.PROGRESS),
    help="How progress is told on standard error: for a person, as JSON lines, or not at all.",
)
@click.option(
    "--lang",
    default=None,
    # LABKIT_LANG may also be a locale's name, as fr_FR.UTF-8: labkit.locale reads it.
    allow_from_autoenv=False,
    type=click.Choice(LANGUAGES),
    help="The language of messages; else that of LABKIT_LANG, LC_ALL, LC_MESSAGES or LANG.",
)
@click.pass_context
def labkit(
    ctx: click.Context, lab: str, workspace: str, course: str, progress: str, lang: str | None
) -> None:
    """One practical on high availability, as a reproducible lab with a grade that is true.

    Every option can be set by an environment variable: --lab by LABKIT_LAB, --workspace by
    LABKIT_WORKSPACE, `labkit grade -o` by LABKIT_GRADE_OUTPUT.

    Exit codes: 0 all passed, 1 something failed, 2 usage or interrupted, 3 grader error or
    inconclusive, 4 environment not ready, 5 nothing to grade.
    """
    # So that the processes that a verb starts, in folders of their own, have the same language and
    # course. A name that is no folder is that of an installed course.
    if lang:
        os.environ["LABKIT_LANG"] = lang
    if course:
        os.environ["LABKIT_COURSE"] = (
            str(Path(course).resolve()) if Path(course).is_dir() else course
        )
    show.use(progress)
    ctx.obj = {"lab": lab, "workspace": workspace, "cwd": Path.cwd()}


def main() -> None:
    """Run a verb; every error that a person can act on becomes a sentence and an exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill tidies up as Ctrl-C
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # A terminal that is closed, too; but nohup is obeyed.
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    os.environ["PATH"] = child.search_path()  # no `docker` or `ssh` of the folder we are in
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without é or … is no error
    try:
        from labkit.cli.relay import relayed  # an error in it is said as any other

        # A shell that asks what could be typed passes that by variables (click's completion).
        code = None if COMPLETING in os.environ else relayed(labkit, sys.argv[1:])
        # Outside standalone mode click returns the code that a command exits with.
        sys.exit(labkit.main(standalone_mode=False) or 0 if code is None else code)
    except click.exceptions.Exit as ended:  # --help, --version
        sys.exit(ended.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except LabkitError as error:
        show.error(error)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        show.say(_("interrupted; nothing is lost: the same command resumes"))
        sys.exit(EXIT_USAGE)
    except OSError as error:
        show.error(
            LabkitError(
                f"{error.strerror or error}",
                where=str(error.filename or ""),
                then="df -h; labkit doctor",
            )
        )
        sys.exit(EXIT_INCONCLUSIVE)
    except Exception as error:  # whatever it is, it is no "something failed" of a learner's
        show.error(_crash(error))
        sys.exit(EXIT_INCONCLUSIVE)


def _crash(error: Exception) -> LabkitError:
    """What is said of a mistake of ours; its traceback is left in a file, to be sent to us."""
    from labkit.lab.store import state_root  # seldom needed

    text = "".join(traceback.format_exception(error))
    folder = state_root() / "_crashes"  # no lab can have this name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=folder, suffix=".txt", delete=False, encoding="utf-8", errors="replace"
    ) as file:
        file.write(f"labkit {__version__}\n{' '.join(sys.argv)}\n{text}")
    return LabkitError(
        _("labkit itself failed: {error}", error=f"{type(error).__name__}: {error}"),
        where=file.name,
        then=_("send us this file, with what you typed"),
    )


if __name__ == "__main__":
    main()
