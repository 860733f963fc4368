"""labkit init"""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli import show
from labkit.cli.session import the_course
from labkit.errors import UsageError
from labkit.locale import _


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Make your workspace: the project as it is given to you, with the files that you write."""
    starter = the_course().root / "steps" / "starter"
    files = [path for path in sorted(starter.rglob("*")) if path.is_file()]
    there = [path for path in files if (folder / path.relative_to(starter)).exists()]
    if there:
        raise UsageError(
            _("{folder} holds a project already; nothing was changed", folder=folder),
            where=str(folder / there[0].relative_to(starter)),
            then="labkit init another-folder",
        )
    for path in files:
        target = folder / path.relative_to(starter)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
        target.chmod(0o644)
    show.say(_("your workspace is {folder}.   next: cd {folder} && labkit up", folder=folder))
