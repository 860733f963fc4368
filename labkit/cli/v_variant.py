"""labkit variant"""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli import show
from labkit.cli.session import the_course
from labkit.course import variant, write_starter
from labkit.errors import NothingToGradeError
from labkit.locale import _, language

STATEMENT = "VARIANT.md"


@click.command()
@click.argument("key")
@click.argument("number")
@click.option("--into", "folder", default=None, metavar="FOLDER",
              type=click.Path(path_type=Path),
              help="Write the learner's workspace: the given files with these values, the "
              "statement as VARIANT.md.")  # fmt: skip
def command(key: str, number: str, folder: Path | None) -> None:
    """A learner's own ports, names and texts, derived from your secret KEY and their NUMBER.

    The same KEY as `variants` in class.toml lets `labkit class grade` say whose variant a
    submission belongs to.
    """
    course = the_course()
    values = variant(course, key, number)
    if not values:
        raise NothingToGradeError(_("the course {name} has no variants", name=course.name))
    spoken = language()
    told = [one.statement(values[one.name], spoken) for one in course.traits]
    text = "\n".join([f"# {_('Your own variant, number {number}', number=number)}", "",
                      *(f"- {one}" for one in told), ""])  # fmt: skip
    if folder:
        own = {**course.personal(values), STATEMENT: text.encode()}
        write_starter(course, folder, own, other="labkit variant KEY NUMBER --into another-folder")
        show.say(_("the workspace of {number} is {folder}", number=number, folder=folder))
    click.echo(text, nl=False)
