"""The contract of the application: where it is asked, by whom, and by which names.

Facts of the practical, which its texts give to the students. Schools change the exercise; where a
teacher allows it, route, user and password are those of a submission's own script.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

PROJECT = "/srv/student-list"  # on both web servers, where nobody has chosen otherwise
API_PATH = "/pozos/api/v1.0/get_student_ages"
API_PORT = 5000
DATA_FILE = "/data/student_age.json"
CREDENTIALS = ("toto", "python")  # of the API: user, password
GIVEN_BY = {"USERNAME", "PASSWORD"}  # the variables by which the website is given them
HTTP_PORT = 80  # on which Apache listens in every php:*apache image
BACKEND = "my-backend"  # of HAProxy, as it is asked for

OPTION = "build: application"  # of a submission, as steps are told it
LONGEST_SCRIPT = 50_000  # bytes


@dataclass(frozen=True)
class Application:
    """Where the list is asked for, and by whom."""

    path: str = API_PATH
    user: str = CREDENTIALS[0]
    password: str = CREDENTIALS[1]

    @property
    def credentials(self) -> tuple[str, str]:
        """User and password."""
        return self.user, self.password

    def served_by(self, script: bytes) -> bytes:
        """The given script, serving this contract; another given file as it is."""
        login = f"{{{json.dumps(CREDENTIALS[0])}: {json.dumps(CREDENTIALS[1])}}}"
        mine = f"{{{json.dumps(self.user)}: {json.dumps(self.password)}}}"
        text = script.replace(f'"{API_PATH}"'.encode(), json.dumps(self.path).encode())
        return text.replace(login.encode(), mine.encode())

    @property
    def words(self) -> str:
        """As a submission's option says it: a line each."""
        return "\n".join((self.path, self.user, self.password))


AS_GIVEN = Application()
# By which contract the submission that is graded now is judged; drills, too.
JUDGED_BY: ContextVar[Application] = ContextVar("application", default=AS_GIVEN)


def application_of(options: Mapping[str, str]) -> Application:
    """What a submission is judged by: as given, unless its options say what was found."""
    said = options.get(OPTION, "").split("\n")
    return Application(*said) if len(said) == 3 else AS_GIVEN


def found_in(script: bytes) -> Application:
    """The contract of a script that serves the list with Flask; what it does not say is as given.

    Read, never executed: the route of the first function whose path has no variable, and the user
    and password that it compares with or keeps in a dictionary.
    """
    try:
        tree = ast.parse(script[:LONGEST_SCRIPT])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return AS_GIVEN
    names = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    path = next((one for one in _routes(tree, names) if "<" not in one), API_PATH)
    user, password = next(_logins(tree), CREDENTIALS)
    plain = all(one.isprintable() for one in (path, user, password))
    return Application(path, user, password) if plain else AS_GIVEN


def _text(node: ast.AST | None, names: Mapping[str, ast.expr]) -> str:
    if isinstance(node, ast.Name):
        node = names.get(node.id)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _routes(tree: ast.AST, names: Mapping[str, ast.expr]) -> Iterator[str]:
    """The paths of the functions that Flask serves, as far as they stand there."""
    for function in ast.walk(tree):
        for one in function.decorator_list if isinstance(function, ast.FunctionDef) else ():
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.args:
                route = _text(one.args[0], names) if one.func.attr in ("route", "get") else ""
                if route.startswith("/") and route != "/":
                    yield route


def _logins(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """User and password of a comparison that lets somebody in, or a dictionary of texts."""
    for node in ast.walk(tree):
        found: list[tuple[str, str]] = []
        match node:
            case ast.If(
                test=ast.Compare(comparators=[user]), body=[ast.Return(value=password), *_]
            ):
                found = [(_text(user, {}), _text(password, {}))]
            case ast.IfExp(test=ast.Compare(comparators=[user]), body=password):
                found = [(_text(user, {}), _text(password, {}))]
            case ast.BoolOp(
                op=ast.And(), values=[ast.Compare() as user, ast.Compare() as password]
            ):
                found = [(_text(user.comparators[0], {}), _text(password.comparators[0], {}))]
            case ast.Assign(value=ast.Dict(keys=users, values=passwords)):
                pairs = zip(users, passwords, strict=True)
                found = [(_text(user, {}), _text(password, {})) for user, password in pairs]
        yield from (one for one in found if all(one))
