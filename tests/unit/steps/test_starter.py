"""The script that students are given runs with whatever Flask and Python an image pins."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests import ROOT

SCRIPT = ROOT / "steps" / "starter" / "simple_api" / "student_age.py"
TEXT = SCRIPT.read_text(encoding="utf-8")


def decorator(*_given: Any, **_more: Any) -> Callable[[Any], Any]:
    return lambda function: function


class OldFlask:
    """What Flask 0.12 has of what a script may use: neither `get` nor `json`."""

    def __init__(self, _name: str) -> None:
        self.config: dict[str, Any] = {}

    route = errorhandler = staticmethod(decorator)


class OldAuth:
    login_required = verify_password = error_handler = staticmethod(lambda function: function)


def module(name: str, **names: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(names)
    return made


def loaded(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of the script, with these modules in the place of Flask's."""
    for fake in (
        module("flask", Flask=OldFlask, jsonify=dict),
        module("flask_httpauth", HTTPBasicAuth=OldAuth),
        module("werkzeug"),
        module("werkzeug.exceptions", HTTPException=Exception),
    ):
        monkeypatch.setitem(sys.modules, fake.__name__, fake)
    names: dict[str, Any] = {"__name__": "student_age"}
    exec(compile(TEXT, str(SCRIPT), "exec"), names)
    return names


def test_a_flask_of_long_ago_loads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch)["app"].config == {"JSON_SORT_KEYS": False}


def test_a_flask_of_today_keeps_the_order_too(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = SimpleNamespace(sort_keys=True)
    monkeypatch.setattr(OldFlask, "json", provider, raising=False)
    assert loaded(monkeypatch)["app"].config == {}
    assert provider.sort_keys is False


def test_it_has_no_syntax_that_python_2_lacks() -> None:
    for node in ast.walk(ast.parse(TEXT, feature_version=(3, 0))):
        assert not isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr)
        assert not isinstance(node, ast.Raise) or node.cause is None
