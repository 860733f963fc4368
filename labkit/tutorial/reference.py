"""The reference, as Markdown, from the code that it is about: it cannot tell anything else.

A page names what it wants on a line of its own, `<!-- labkit: checks -->`; `docs/hooks.py` has it
written while MkDocs builds, once in each language. Anchors are names of the code, the same in all
languages.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import click

from labkit.course import Course, Step, Verdict
from labkit.errors import EXIT_CODES
from labkit.grading import explain
from labkit.grading.explain import Declared, drill_of, read_checks
from labkit.grading.schema import published
from labkit.grading.writers.html import SYMBOLS
from labkit.lab.parity import PARITY, PARTS, Likeness, Part, in_words, likeness
from labkit.locale import _, language, number
from labkit.words import verdict_word

STANDARD = {"--help", "--version"}  # options of every program: known
WANTED = re.compile(r"^<!-- labkit: ([a-z-]+) -->$", re.M)

VERDICTS = {
    Verdict.PASSED: "what is asked for holds",
    Verdict.FAILED: "it does not hold; the message says what was expected, what was seen and where",
    Verdict.BLOCKED: "it was not asked, since something that it depends on does not hold; that one "
    "is named, and is what to settle",
    Verdict.INCONCLUSIVE: "the grader or the machines could not tell; it counts neither as zero "
    "nor as passed, and the mark is a range until the command that is named has settled it",
}


def filled(markdown: str, course: Course, verbs: click.Group) -> str:
    """The page with what it names written in its place, in the user's language.

    KeyError if it names what is not there.
    """
    sections: dict[str, Callable[[], Iterable[str]]] = {
        "commands": lambda: commands(verbs),
        "exit-codes": exit_codes,
        "verdicts": verdicts,
        "result": result,
        "checks": lambda: checks(course),
        "drills": lambda: drills(course),
        "parity": lambda: parity(course),
    }
    return WANTED.sub(lambda found: "\n".join(sections[found[1]]()), markdown)


# Commands --------------------------------------------------------------------------------------


def commands(verbs: click.Group) -> Iterator[str]:
    """What stands before the verb, then each verb with its arguments and options."""
    top = click.Context(verbs, info_name="labkit", auto_envvar_prefix="LABKIT")
    yield from _command(verbs, top)
    for name in verbs.list_commands(top):
        verb = verbs.get_command(top, name)
        if verb:
            ctx = click.Context(verb, info_name=name, parent=top)
            yield from _command(verb, ctx)
            for inner, one in verb.commands.items() if isinstance(verb, click.Group) else ():
                yield from _command(one, click.Context(one, info_name=inner, parent=ctx))


def paragraphs(command: click.Command) -> list[str]:
    """What a command says of itself, as messages: a paragraph each."""
    text = inspect.cleandoc(command.help or "")
    return [" ".join(part.split()) for part in text.split("\n\n")]


def _command(command: click.Command, ctx: click.Context) -> Iterator[str]:
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    yield f"## `{ctx.command_path}` {{ #{_place(ctx)} }}\n"
    yield f"`{usage}`\n"
    for paragraph in paragraphs(command):
        yield f"{_plain(_(paragraph))}\n"
    rows = [
        _option(one, ctx)
        for one in command.get_params(ctx)
        if isinstance(one, click.Option) and not STANDARD.intersection(one.opts)
    ]
    if rows:
        yield from _table((_("option"), _("what it does"), _("default"), _("environment")), rows)


def _place(ctx: click.Context) -> str:
    """The anchor of a command: its words after labkit."""
    return "-".join(ctx.command_path.split()[1:]) or str(ctx.info_name)


def _option(option: click.Option, ctx: click.Context) -> tuple[str, ...]:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" `{option.make_metavar(ctx)}`"
    default = option.get_default(ctx, call=False) if option.show_default else None
    if option.is_flag and option.show_default:
        default = (option.opts if default else option.secondary_opts)[0]
    variable = ""
    if option.envvar is None and option.allow_from_autoenv and option.name:
        variable = f"`{ctx.auto_envvar_prefix}_{option.name.upper()}`"
    return (
        names + value,
        _plain(_(option.help or "")),
        "" if default is None else f"`{default}`",
        variable,
    )


# Verdicts, exit codes, the result file ----------------------------------------------------------


def exit_codes() -> Iterator[str]:
    """What each exit code says."""
    rows = [(str(code), _plain(_(meaning))) for code, meaning in EXIT_CODES.items()]
    return _table((_("code"), _("meaning")), rows)


def verdicts() -> Iterator[str]:
    """The four verdicts, as people and as programs read them."""
    rows = [
        (f"{SYMBOLS[one]} {verdict_word(one)}", f"`{one.value}`", _plain(_(VERDICTS[one])))
        for one in Verdict
    ]
    return _table((_("verdict"), _("in the result file"), _("meaning")), rows)


def result() -> Iterator[str]:
    """Each object of the result file with its fields, then the schema itself."""
    schema = published()
    for name, one in {"labkit/result/v1": schema, **schema["$defs"]}.items():
        if "properties" not in one:  # a kind of number or a list, named where it is used
            continue
        yield f"## `{name}` {{ #{name.rpartition('/')[2] if '/' not in name else 'result'} }}\n"
        if one.get("description"):
            yield f"{_plain(_(one['description']))}\n"
        rows = [
            (
                f"`{field}`",
                _kind(spec) + ("" if field in one["required"] else f", {_('optional')}"),
                _plain(_(spec.get("description", ""))),
            )
            for field, spec in one["properties"].items()
        ]
        yield from _table((_("field"), _("type"), _("meaning")), rows)
    yield f'??? abstract "{_("The whole schema (JSON Schema 2020-12)")}"'
    yield "    ```json"
    text = json.dumps(schema, indent=2, ensure_ascii=False)
    yield from (f"    {line}" for line in text.splitlines())
    yield "    ```\n"


def _kind(spec: Mapping[str, Any]) -> str:
    """The type of a field in the words of JSON; objects that have a table link to it."""
    match spec:
        case {"$ref": str(place)}:
            target = published()["$defs"][place.rpartition("/")[2]]
            name = place.rpartition("/")[2]
            return f"[`{name}`](#{name})" if "properties" in target else _kind(target)
        case {"oneOf": [*ways]}:
            return " | ".join(_kind(one) for one in ways).replace("|", "&#124;")
        case {"enum": [*values]}:
            return ", ".join(f"`{json.dumps(value)}`" for value in values)
        case {"const": value}:
            return f"`{json.dumps(value)}`"
        case {"type": "array", "items": dict(items)}:
            return f"array: {_kind(items)}"
        case {"type": [*names]}:
            return ", ".join(names)
        case {"type": str(name)}:
            return name
    return "any"


# Checks, drills, parity -------------------------------------------------------------------------


def checks(course: Course) -> Iterator[str]:
    """Every check of the course, step by step."""
    found = read_checks(course)
    for step in course.steps:
        mine = [one for one in found.values() if one.step is step]
        total = number(round(sum(one.spec.points for one in mine), 2))
        yield f"## {_step(step)} {{ #{step.slug} }}\n"
        yield f"{_('points: {points}', points=total)}\n"
        for one in mine:
            yield f"### `{one.id}` {{ #{_anchor(one.id)} }}\n"
            yield f"{_plain(_(one.sentence))}\n"
            yield from (f"- **{label}** – {text}" for label, text in _of_check(course, one))
            yield ""


def _of_check(course: Course, one: Declared) -> Iterator[tuple[str, str]]:
    yield _("points"), number(one.spec.points)
    yield _("what is probed"), _plain(_(one.spec.probes))
    yield _("why it matters"), _plain(_(one.spec.why))
    if one.waits_for:
        yield _("waits for"), ", ".join(f"[`{name}`](#{_anchor(name)})" for name in one.waits_for)
    drill = drill_of(course, one)
    if drill:
        yield _("drill"), f"[`{drill.name}`](drills.md#{drill.name})"
    if one.spec.requires:
        yield _("on containers"), _plain(in_words(*likeness("containers", one.spec.requires)))


def drills(course: Course) -> Iterator[str]:
    """Every drill of the course, with its load, its fault and its limits."""
    for step in course.steps:
        mine = [one for one in course.drills if one.step == step.slug]
        if mine:
            yield f"## {_step(step)} {{ #{step.slug} }}\n"
        for one in mine:
            yield f"### `{one.name}` {{ #{one.name} }}\n"
            words = explain.drill_words(one)
            yield from (f"- **{label}** – {_plain(text)}" for label, text in words)
            yield ""


def parity(course: Course) -> Iterator[str]:
    """What of a real machine each provider has, then the checks that require it."""
    rows = [(f"`{part}`", *(_part(parts[part]) for parts in PARITY.values())) for part in PARTS]
    yield from _table((_("part of a machine"), *PARITY), rows)
    rows = []
    for one in read_checks(course).values():
        if one.spec.requires:
            found = (likeness(provider, one.spec.requires)[0] for provider in PARITY)
            name = f"[`{one.id}`](checks.md#{_anchor(one.id)})"
            required = ", ".join(f"`{part}`" for part in one.spec.requires)
            rows.append((name, required, *(_(degree.value) for degree in found)))
    yield from _table((_("check"), _("requires"), *PARITY), rows)


def _part(part: Part) -> str:
    why = "" if part.likeness is Likeness.SAME else _(part.why)
    return _plain(in_words(part.likeness, why))


# Markdown ---------------------------------------------------------------------------------------


def _step(step: Step) -> str:
    return _plain(f"{step.number} · {step.letter} · {step.title(language())}")


def _anchor(check: str) -> str:
    """An id that needs no escaping in a link: a dot would be read as a class."""
    return check.replace(".", "-")


def _plain(text: str) -> str:
    """Text that Markdown shows as it is; what stands between backquotes is code and stays so."""
    *pairs, rest = re.split(r"(`[^`]+`)", text)
    escaped = [_escaped(part) if index % 2 == 0 else part for index, part in enumerate(pairs)]
    return "".join([*escaped, _escaped(rest)])


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\*_{}\[\]])", r"\\\1", text.replace("|", "&#124;"))


def _table(headers: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield ""
    for row in (headers, ("---",) * len(headers), *rows):
        yield f"| {' | '.join(row)} |"
    yield ""
