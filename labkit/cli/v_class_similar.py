"""labkit class similar"""

from __future__ import annotations

from pathlib import Path

import click

from labkit.classroom.intake import read_class
from labkit.classroom.similar import (
    AT_LEAST,
    RARE_SHARE,
    SHORTEST,
    Place,
    Texts,
    given_texts,
    readable,
    similar_pairs,
)
from labkit.cli import show
from labkit.cli.session import the_course
from labkit.locale import _, number
from labkit.text import clean

MOST_SHOWN = 12  # traces of a pair


@click.command("similar")
@click.argument("submissions", type=click.Path(path_type=Path))
@click.option("--at-least", default=AT_LEAST, show_default=True, metavar="N",
              type=click.IntRange(min=1),
              help="The number of traces from which a pair is shown.")  # fmt: skip
def command(submissions: Path, at_least: int) -> None:
    """Pairs that share what hardly anybody else has, side by side. It accuses nobody.

    A trace is a passage, or a word, that at most two or a tenth of the class have and that neither
    the reference, the starter, the pages nor the hints contain.
    """
    course = the_course()
    entries = {one.key: one for one in read_class(submissions.resolve()) if one.folder}
    texts: dict[str, Texts] = {
        key: {
            path: text
            for path, data in (entry.folder.files if entry.folder else {}).items()
            if (text := readable(data)) is not None
        }
        for key, entry in entries.items()
    }
    pairs = similar_pairs(texts, given_texts(course.root), at_least=at_least)
    for pair in pairs:
        left, right = clean(entries[pair.left].name), clean(entries[pair.right].name)
        click.echo(
            _("{left} and {right}: traces in common: {count}", left=left, right=right,
              count=len(pair.traces))
        )  # fmt: skip
        rows = [
            (trace.word, _shown(trace.left), _shown(trace.right))
            for trace in pair.traces[:MOST_SHOWN]
        ]
        show.table(rows, (_("word"), left, right))
        if len(pair.traces) > MOST_SHOWN:
            click.echo(_("and more: {count}", count=len(pair.traces) - MOST_SHOWN))
    show.say(
        _("pairs with {least} traces or more: {count}, of {all} submissions. A trace is a passage "
          "of {words} words and signs, or a word, that at most two or {share} % of the class have "
          "and the course does not give. It proves nothing: friends, a web page or a shared "
          "teacher leave the same traces. Ask before you judge.",
          least=at_least, count=len(pairs), all=len(entries), words=SHORTEST,
          share=number(100 * RARE_SHARE))
    )  # fmt: skip


def _shown(place: Place) -> str:
    lines = f"{place.first}" if place.first == place.last else f"{place.first}-{place.last}"
    return f"{clean(place.file)}:{lines}\n{place.text}"
