"""labkit init"""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli import show
from labkit.cli.session import the_course
from labkit.course import write_starter
from labkit.locale import _


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Make your workspace: the project as it is given to you, with the files that you write."""
    write_starter(the_course(), folder, other="labkit init another-folder")
    show.say(_("your workspace is {folder}.   next: cd {folder} && labkit up", folder=folder))
