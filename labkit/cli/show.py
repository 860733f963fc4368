"""How things look in a terminal. Progress to stderr, results to stdout; colour is never needed.

What comes from a machine is partly a learner's text: it is cleaned, and never read as markup.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from labkit.course.verdict import Verdict
from labkit.errors import LabkitError
from labkit.locale import _, number
from labkit.reporting import (
    SILENT,
    CheckBegan,
    CheckEnded,
    CommandTyped,
    DrillEnded,
    DrillProgress,
    Event,
    JsonLines,
    Note,
    OutputLine,
    Problem,
    Reporter,
    StepBegan,
    StepEnded,
    SubmissionStepBegan,
)
from labkit.text import clean
from labkit.words import counted, of_most, short_verdict

if TYPE_CHECKING:  # a command that shows no result need not import them
    from labkit.grading.model import CheckResult, GradeResult, StepResult
    from labkit.load.record import DrillResult


class _Progress(Console):
    """Lines about the work; whoever reads them may leave before it is done."""

    def on_broken_pipe(self) -> None:
        """Nobody reads any more, as after `2>&1 | head`: the work goes on in silence.

        Rich would raise SystemExit in the middle of a check, which then knew nothing.
        """
        self.quiet = True


progress = _Progress(stderr=True, highlight=False, soft_wrap=True)
results = Console(highlight=False, soft_wrap=True)

STYLES = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "bold red",
    Verdict.BLOCKED: "yellow",
    Verdict.INCONCLUSIVE: "magenta",
}
LINES_SHOWN = 6  # of a command's output; all of it is in the transcript
LINE_SHOWN = 1000  # characters of it
TEXT_SHOWN = 4000  # of a message


def word(verdict: Verdict) -> Text:
    """A verdict as a word of fixed width; failed stands out without colour."""
    return Text(f"{short_verdict(verdict):<9}", style=STYLES[verdict])


def plain(text: str, style: str = "") -> Text:
    """Text from anywhere, safe to print."""
    return Text(clean(text, TEXT_SHOWN), style=style)


class Terminal(Reporter):
    """Shows a person what happens. Commands as one would type them, with what they print first."""

    def __init__(self) -> None:
        self._printed: dict[str, int] = {}  # lines of the command that a machine is busy with
        self._drill: Status | None = None

    def tell(self, event: Event) -> None:
        """Show an event, or nothing of it."""
        match event:
            case Note():
                progress.print(plain(event.text))
            case Problem():
                self._problem(event)
            case CommandTyped():
                self._printed[event.machine] = 0
                prompt = plain(f"  {event.machine} $ ", "cyan")
                progress.print(prompt.append_text(plain(event.command, "bold")))
            case OutputLine():
                self._output(event)
            case StepBegan():
                progress.print()
                progress.print(plain(_headline(event), "bold"))
                for path, whose in event.files.items():
                    origin = _("own") if whose == "own" else _("reference")
                    self.say(f"  {origin}: {path}")
            case StepEnded():
                self._step_ended(event)
            case SubmissionStepBegan():
                self.say(f"  {event.number} · {event.slug}")
            case CheckBegan():
                progress.print(plain(f"  … {event.id}", "dim"))
            case CheckEnded():
                seconds = number(event.seconds, ".1f")
                progress.print(word(Verdict(event.verdict)), plain(f"{event.id}  ({seconds} s)"))
            case DrillProgress():
                self._drill_stands(event)
            case DrillEnded() if self._drill:
                self._drill.stop()
                self._drill = None

    def _problem(self, problem: Problem) -> None:
        named = Text("labkit: ", style="bold red")
        progress.print(named.append_text(plain(problem.what, "default")))
        if problem.where:
            progress.print(plain(f"  {_('where')}  {problem.where}"))
        if problem.then:
            progress.print(plain(f"  {_('next')}   {problem.then}", "bold"))

    def _output(self, printed: OutputLine) -> None:
        count = self._printed[printed.machine] = self._printed.get(printed.machine, 0) + 1
        if count <= LINES_SHOWN:
            progress.print(Text(f"         {clean(printed.line, LINE_SHOWN)}", style="dim"))
        elif count == LINES_SHOWN + 1:
            more = _("all of it: labkit logs transcript")
            progress.print(Text(f"         … ({more})", style="dim"))

    def _step_ended(self, step: StepEnded) -> None:
        if step.nothing_to_do:
            self.say(f"{_headline(step)}: {_('nothing to do, everything holds')}")
            return
        for path in step.kept_own:
            self.say(
                _(
                    "{path} is your own and stays: add the missing lines yourself   ({command})",
                    path=path,
                    command=f"labkit docs {step.number}",
                )
            )
        seconds = number(step.seconds, ".1f")
        self.say(_("done: step {number} holds ({seconds} s)", number=step.number, seconds=seconds))

    def _drill_stands(self, now: DrillProgress) -> None:
        if not progress.is_terminal:
            return  # a line that lives is for a terminal; a thread of rich's would draw in vain
        if self._drill is None:
            self._drill = progress.status("…")
            self._drill.start()
        states = "  ".join(f"{server} {state}" for server, state in now.states.items())
        rate = now.answered / now.elapsed_s if now.elapsed_s > 0 else 0.0
        self._drill.update(
            plain(
                f"{_phase_word(now.phase)} {number(now.elapsed_s, '5.1f')}/{now.duration_s:.0f} s  "
                f"{now.answered} {_('answered')} ({rate:.0f}/s)  {now.failed} {_('lost')}  {states}"
            )
        )


class OnlyProblems(Terminal):
    """Shows a person what went wrong, and nothing of what goes on."""

    def tell(self, event: Event) -> None:
        """Show a problem."""
        if isinstance(event, Problem):
            super().tell(event)


PROGRESS = ("terminal", "json", "none")
_reporter: Reporter = Terminal()


def use(how: str) -> None:
    """From now on, progress is shown as one of `PROGRESS` says."""
    global _reporter
    if how == "json":
        _reporter = JsonLines(sys.stderr, lambda: datetime.now().astimezone())
    else:
        _reporter = OnlyProblems() if how == "none" else Terminal()


def reporter() -> Reporter:
    """Who is told what happens."""
    return _reporter


def only_for_programs() -> Reporter:
    """Who is told what would only distract a person: nobody, unless a program reads."""
    return _reporter if isinstance(_reporter, JsonLines) else SILENT


def say(line: str) -> None:
    """A line of progress."""
    _reporter.say(line)


def error(problem: LabkitError) -> None:
    """What is wrong, where, and what to type next."""
    _reporter.tell(Problem(problem.what, problem.where, problem.then))


def _headline(step: StepBegan | StepEnded) -> str:
    return f"{_('step')} {step.number} · {step.letter} · {step.title}"


def _phase_word(phase: str) -> str:
    words = {
        "steady": _("steady"),
        "baseline": _("baseline"),
        "fault": _("fault"),
        "healed": _("healed"),
        "restoring": _("restoring"),
    }
    return words.get(phase, phase)


def step_header(step: StepResult) -> None:
    """The step's line: number, letter, slug, points."""
    title = Text(f"{_('step')} {step.number} · {step.letter} · {step.title}", style="bold")
    score = of_most(step.points, step.points, step.points_max)
    table = Table.grid(expand=True)
    table.add_column(ratio=1)
    table.add_column(justify="right")
    table.add_row(title, score)
    results.print(table)


def check(result: CheckResult) -> None:
    """One check: its verdict and sentence; and when it failed, why."""
    line = Text("  ").append_text(word(result.verdict)).append_text(plain(result.title))
    if result.verdict is Verdict.PASSED and result.message:
        line.append_text(plain(f"   {result.message}", "dim"))
    results.print(line)
    rows: list[tuple[str, str]] = []
    if result.verdict is Verdict.FAILED:
        rows = [
            (_("expected"), result.expected),
            (_("seen"), result.seen),
            (_("where"), result.where),
        ]
        if result.hint:
            rows.append((_("hint 1/3"), result.hint))
    elif result.verdict is Verdict.BLOCKED:
        rows = [("", result.message)]
    elif result.verdict is Verdict.INCONCLUSIVE:
        rows = [("", result.message), (_("to settle"), result.where)]
    if result.carried:
        from labkit.grading.writers.summary import carried_forward

        rows.append(("", carried_forward(result)))
    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        if value:
            table.add_row(Text(name, style="dim"), plain(value))
    if table.row_count:
        results.print(Padding(table, (0, 0, 0, 11)))


def report(result: GradeResult) -> None:
    """Everything that a run found, causes last where the eye rests."""
    for step in result.steps:
        step_header(step)
        for one in step.checks:
            check(one)
    from labkit.load.record import DrillResult

    for record in result.drills:
        drill(DrillResult.from_json(record))
    summary(result)


def drill(result: DrillResult) -> None:
    """A drill and its timeline."""
    from labkit.grading.writers.html import report_words  # slow to import, and seldom needed
    from labkit.load.timeline import text as timeline
    from labkit.load.words import bar_word

    results.print(Text(f"\n{_('drill')} {result.name} · {bar_word(result.bar)}", style="bold"))
    for line in timeline(result, words=report_words()):
        results.print(plain(line))


def drills(found: list[DrillResult]) -> None:
    """Several drills at a glance, a line each."""
    results.print()
    for one in found:
        line = (
            Text("  ")
            .append_text(word(one.verdict))
            .append_text(plain(f"{one.name:<10}{one.message}"))
        )
        results.print(line)


def summary(result: GradeResult) -> None:
    """The mark and what to do next."""
    causes = [one for one in result.checks if one.verdict is Verdict.FAILED]
    unclear = [one for one in result.checks if one.verdict is Verdict.INCONCLUSIVE]
    found = {verdict: result.count(verdict) for verdict in Verdict}
    counts = ", ".join(counted(one, count) for one, count in found.items() if count)
    results.print()
    if result.checks and result.score_max == sum(one.points_max for one in result.checks):
        mark = of_most(result.score_low, result.score_high, result.score_max)
        results.print(Text(mark, style="bold").append(f"   {counts}", style="default"))
        if result.mention is not None:
            words = {
                True: _("with distinction"),
                False: _("no distinction: labkit drill --list shows the drills that ask for more"),
            }
            results.print(Text(f"{words[result.mention]}"))
    else:
        results.print(Text(counts))
    numbers = {step.slug: step.number for step in result.steps}
    for one in (causes or unclear)[:1]:
        number = numbers[one.id.partition(".")[0]]
        command = f"labkit check {number}"
        line = _("to settle next: {command}", command=command)
        if one.where:
            line = _("to settle next: {where}, then  {command}", where=one.where, command=command)
        results.print(plain(line))


def table(rows: list[tuple[Any, ...]], headers: tuple[str, ...]) -> None:
    """A plain table on stdout."""
    results.print(as_table(rows, headers))


def as_table(rows: list[tuple[Any, ...]], headers: tuple[str, ...]) -> Table:
    """A plain table."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        made.add_column(plain(header), overflow="fold")
    for row in rows:
        made.add_row(*(plain(str(cell)) for cell in row))
    return made


def live() -> Live:
    """A part of the terminal that is drawn anew by whoever holds it."""
    return Live(console=results, auto_refresh=False, vertical_overflow="crop")
