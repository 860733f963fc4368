"""A word that comes from elsewhere is quoted in every command that labkit types."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import pytest

from tests import ROOT

TYPING = {"run", "ask", "start", "run_twice", "schedule", "strike"}
# What gives quoted words: functions, and properties that are made of them.
QUOTING = {"quote", "join", "quoted", "compose", "command_line", "add_user", "can_be_had",
           "_same", "_command", "website", "api_of", "command", "len"}  # fmt: skip
# What puts the words that it is given into a longer command, as they are.
PASSING = {"patiently"}
Assigned = dict[str, list[ast.expr]]


def functions() -> Iterator[Any]:
    for folder in ("labkit/facts", "subject", "steps", "checks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for function in ast.walk(ast.parse(path.read_text())):
                if isinstance(function, ast.FunctionDef):
                    yield pytest.param(function, id=f"{path.stem}.{function.name}")


def foreign(function: ast.FunctionDef) -> list[str]:
    """What stands unquoted in the commands that a function types."""
    assigned = assignments(function)
    found: list[str] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and called(node) in TYPING:
            unless = [one.value for one in node.keywords if one.arg == "unless"]
            for argument in [*node.args, *unless]:
                found += unquoted(argument, assigned)
    return list(dict.fromkeys(found))


def assignments(function: ast.FunctionDef) -> Assigned:
    assigned: Assigned = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for name, value in pairs(target, node.value):
                    assigned.setdefault(name, []).append(value)
    return assigned


def pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Each name with what it is given; of a call that gives several, the call."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple):
        values = value.elts if isinstance(value, ast.Tuple) else [value] * len(target.elts)
        for one, given in zip(target.elts, values, strict=False):
            yield from pairs(one, given)


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)


def unquoted(node: ast.AST, assigned: Assigned) -> list[str]:
    """The foreign parts of the texts of an expression; what is quoted as a whole has none."""
    if isinstance(node, ast.Call) and called(node) in QUOTING:
        return []
    if isinstance(node, ast.Name):
        texts = [one for one in assigned.get(node.id, []) if isinstance(one, ast.JoinedStr)]
        rest = {name: values for name, values in assigned.items() if name != node.id}
        return [said for text in texts for said in unquoted(text, rest)]
    if isinstance(node, ast.JoinedStr):
        first = node.values[0]
        if isinstance(first, ast.Constant) and str(first.value).startswith("/"):
            return []  # the path of a page, and no command
        parts = [one for one in node.values if isinstance(one, ast.FormattedValue)]
        return [ast.unparse(one.value) for one in parts if not is_safe(one, assigned)]
    return [said for inner in ast.iter_child_nodes(node) for said in unquoted(inner, assigned)]


def is_safe(value: ast.expr, assigned: Assigned) -> bool:
    """A constant of ours, a number, or what went through something that quotes."""
    match value:
        case ast.FormattedValue(format_spec=ast.JoinedStr() as spec):
            return ast.unparse(spec).strip("'\"f")[-1:] in ("d", "")
        case ast.FormattedValue():
            return is_safe(value.value, assigned)
        case ast.Constant():
            return True
        case ast.IfExp():
            return is_safe(value.body, assigned) and is_safe(value.orelse, assigned)
        case ast.JoinedStr():
            return all(is_safe(one, assigned) for one in value.values)
        case ast.Call():
            return called(value) in QUOTING or (
                called(value) in PASSING and all(is_safe(one, assigned) for one in value.args)
            )
        case ast.Subscript():
            return is_safe(value.value, assigned)
        case ast.Attribute():
            return value.attr.isupper() or value.attr in {*QUOTING, "hex"}
        case ast.Name():
            given = assigned.get(value.id, [])
            rest = {name: values for name, values in assigned.items() if name != value.id}
            return value.id.isupper() or (bool(given) and all(is_safe(one, rest) for one in given))
        case ast.BinOp():
            return is_safe(value.left, assigned) and is_safe(value.right, assigned)
    return False


@pytest.mark.parametrize("function", list(functions()))
def test_hostile_words_are_quoted_in_every_command(function: ast.FunctionDef) -> None:
    assert foreign(function) == []


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ('c = f"x {a}"; shell.run(c); shell.ask(f"y {a.b}")', ["a", "a.b"]),
        ('shell.ask(patiently(f"x {a}"))', ["a"]),
        ('c = patiently(f"x {a}"); shell.ask(f"{c} | tail")', ["c"]),
        ('c = patiently(f"x {quote(a)}"); shell.ask(f"{c} | tail")', []),
    ],
)
def test_hostile_words_are_found_by_the_rule(typed: str, found: list[str]) -> None:
    function = ast.parse(f"def f(shell, a):\n {typed}")
    assert foreign(function.body[0]) == found  # type: ignore[arg-type]
