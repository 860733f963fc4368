"""Where tests lie: no test module imports another, so that each can be moved and run alone."""

from __future__ import annotations

import ast

from tests import ROOT


def imported(text: str) -> list[str]:
    """The test modules that a text imports from, by their dotted names."""
    names: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            names += [node.module or "", *(f"{node.module}.{one.name}" for one in node.names)]
        elif isinstance(node, ast.Import):
            names += [one.name for one in node.names]
    modules = (name.split(".") for name in names)
    return [".".join(parts) for parts in modules
            if parts[0] == "tests" and any(part.startswith("test_") for part in parts)]  # fmt: skip


def test_an_import_is_found_in_whatever_form() -> None:
    assert imported("from tests.unit.test_a import b\nfrom tests.fakes import c") == [
        "tests.unit.test_a",
        "tests.unit.test_a.b",
    ]
    assert imported("import tests.unit.test_a") == ["tests.unit.test_a"]
    assert imported("from tests.unit import test_a") == ["tests.unit.test_a"]


def test_no_test_module_imports_another() -> None:
    modules = [
        path for path in (ROOT / "tests").rglob("test_*.py") if "submissions" not in path.parts
    ]
    assert modules
    found = {str(path): imported(path.read_text(encoding="utf-8")) for path in modules}
    assert {path: names for path, names in found.items() if names} == {}
