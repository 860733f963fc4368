"""The benchmarks: what there is, all of them, or those that the budget holds to something.

    python -m benchmarks [--all | --check] [--json FILE] [--page FILE]

Without an option they are listed. `--all` runs each; `--check` runs those that `budget.toml`
names, compares, and ends with 1 if a limit is broken or a benchmark could not be run. Each writes
what it found as it is found, so that a long run that is interrupted has not been for nothing.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import pkgutil
import sys
import traceback
from pathlib import Path
from types import ModuleType

import benchmarks
from benchmarks.result import Limit, Result, machine, markdown, read_budget

BUDGET = Path(__file__).with_name("budget.toml")


def known() -> dict[str, ModuleType]:
    """Every module here that measures, by name."""
    found = {}
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name == "__main__":
            continue
        name = f"benchmarks.{module.name}"
        loaded = importlib.import_module(f"{name}.__main__" if module.ispkg else name)
        if hasattr(loaded, "measure"):
            found[module.name] = loaded
    return found


def sentence(module: ModuleType) -> str:
    """The first line of its docstring."""
    return (module.__doc__ or "").strip().splitlines()[0]


def run(modules: dict[str, ModuleType], report: Path | None) -> dict[str, Result | None]:
    """Measure each in turn; None for one that ended in an error, which is shown."""
    results: dict[str, Result | None] = {}
    for name, module in modules.items():
        print(f"{name}: {sentence(module)} ({module.TAKES})", file=sys.stderr)
        try:
            results[name] = result = module.measure()
        except (Exception, SystemExit):  # some end so when the machine cannot tell
            traceback.print_exc()
            results[name] = None
        else:
            print(f"\n{name}\n\n{result.table()}\n", flush=True)
        if report:
            done = {one: found and found.as_json() for one, found in results.items()}
            report.write_text(json.dumps(done, indent=2) + "\n", encoding="utf-8")
    return results


def compare(limits: list[Limit], results: dict[str, Result | None]) -> tuple[str, bool]:
    """The budget as a table, and whether all of it holds. What was not measured does not hold."""
    rows = [("benchmark", "figure", "limit", "measured", "", "why")]
    held = True
    for limit in limits:
        result = results.get(limit.benchmark)
        try:
            value = result.figure(limit.figure).median if result else None
        except KeyError:
            value = None
        holds = value is not None and limit.holds(value)
        held = held and holds
        measured = "not measured" if value is None else f"{value:.3g}"
        verdict = "held" if holds else "BROKEN"
        rows.append((limit.benchmark, limit.figure, str(limit), measured, verdict, limit.why))
    return markdown(rows), held


def page(results: dict[str, Result | None]) -> str:
    """All tables with versions and machine, for the documentation."""
    day = datetime.datetime.now(datetime.UTC).date()
    parts = [f"{day}, `python -m benchmarks`: {machine()}."]
    for name, result in results.items():
        if result:
            versions = ", ".join(f"{what} {version}" for what, version in result.versions.items())
            parts.append(f"`{name}`" + (f" ({versions})" if versions else ""))
            parts.append(result.table())
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """List, run or check."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=sentence(_this()))
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--all", action="store_true", help="run all of them")
    what.add_argument("--check", action="store_true", help="run what budget.toml names; compare")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found, too")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write it as Markdown, too")
    options = parser.parse_args()
    modules = known()
    if not (options.all or options.check):
        for name, module in modules.items():
            print(f"{name:<13} {module.TAKES:<12} {sentence(module)}")
        return
    limits = read_budget(BUDGET) if options.check else []
    if options.check:
        held_to = {limit.benchmark for limit in limits}
        if missing := held_to - modules.keys():
            parser.error(f"{BUDGET.name} names what is not there: {', '.join(sorted(missing))}")
        modules = {name: module for name, module in modules.items() if name in held_to}
    results = run(modules, options.json)
    if options.page:
        options.page.write_text(page(results), encoding="utf-8")
    table, held = compare(limits, results)
    if options.check:
        print(table)
    sys.exit(0 if held and all(results.values()) else 1)


def _this() -> ModuleType:
    return sys.modules[__name__]


if __name__ == "__main__":
    main()
