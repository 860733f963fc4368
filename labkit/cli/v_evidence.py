"""labkit evidence"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labkit import __version__
from labkit.classroom import Folder, GradeOptions, fresh_lab, grade_submission
from labkit.classroom.evidence import (
    NAMESPACE,
    RESULT,
    SUBMISSION,
    Evidence,
    NeedsPassphraseError,
    NoEvidenceError,
    as_test_result,
    fingerprint,
    folder_files,
    laid_out,
    opened,
    private_key,
    public_key,
    public_line,
    signed,
    sshsig,
    statement,
)
from labkit.classroom.recomputed import contradictions
from labkit.classroom.roll import course_digest
from labkit.cli import show
from labkit.cli.paths import Reads
from labkit.cli.session import now, the_course
from labkit.course import Course
from labkit.errors import (
    EXIT_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_PASSED,
    NothingToGradeError,
    UsageError,
)
from labkit.grading.model import LEARNER
from labkit.locale import _, number
from labkit.whole import write_whole
from labkit.words import span

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

OWN_KEY = "~/.ssh/id_ed25519"


@click.group()
def command() -> None:
    """What a mark rests on, signed: checked without the machines, or graded again with them."""


@command.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", default="", metavar="FILE", help="The public key of who must have signed.")
@click.pass_context
def verify(ctx: click.Context, file: Path, key: str) -> None:
    """Check the signature, every byte, and every figure that needs no machine."""
    found, wrong = _checked(file, key)
    for sentence in wrong:
        click.echo(f"✗ {sentence}")
    if found is None or wrong:
        ctx.exit(EXIT_FAILED)
    result = found.result
    click.echo(
        _("every byte and figure is as it was signed: {learner}, {low} to {high} of {most}",
          learner=result[LEARNER] or "–", low=number(result["score_low"]),
          high=number(result["score_high"]), most=number(result["score_max"]))
    )  # fmt: skip
    click.echo(_("signed by {key}", key=fingerprint(found.signer)))
    if not key:
        show.say(
            _("nobody has checked whose key that is.   next: {command}",
              command=f"labkit evidence verify {file} --key TEACHER.pub")
        )  # fmt: skip


@command.command("replay")
@click.argument("file", type=Reads(path_type=Path))
@click.option(
    "--key",
    type=Reads(),
    default="",
    metavar="FILE",
    help="The public key of who must have signed.",
)
@click.pass_context
def replay(ctx: click.Context, file: Path, key: str) -> None:
    """Grade the submission again, on fresh machines; claimed beside found."""
    found, wrong = _checked(file, key)
    if found is None or wrong:
        raise UsageError(
            _("this evidence is not intact; it is not graded again"),
            where="; ".join(wrong),
            then=f"labkit evidence verify {file}",
        )
    files = {
        name.removeprefix(SUBMISSION): data
        for name, data in found.files.items()
        if name.startswith(SUBMISSION)
    }
    if not files:
        raise NothingToGradeError(
            _("this evidence is of a lab, and holds no submission that could be graded again"),
            where=str(file),
            then="labkit grade --submission DIR --evidence FILE",
        )
    course = the_course()
    options = GradeOptions.from_json(found.predicate["options"])
    executable = frozenset(found.predicate["executable"])
    with tempfile.TemporaryDirectory() as place, fresh_lab(show.say) as lab:
        folder = Folder(str(found.predicate["folder"]), files, [], executable)
        again = grade_submission(
            course, folder, lab, Path(place), options, reporter=show.reporter()
        )
    ctx.exit(_compared(found.result, again.to_json()))


@command.command("export")
@click.argument("file", type=click.Path(path_type=Path))
def export(file: Path) -> None:
    """Print it as an in-toto test-result v0.1, for other tools. Not signed."""
    found, wrong = _checked(file, "")
    if found is None or wrong:
        raise UsageError("; ".join(wrong), where=str(file))
    click.echo(json.dumps(as_test_result(found), ensure_ascii=False, indent=1))


def signing_key(path: str) -> Ed25519PrivateKey:
    """The key to sign with; its passphrase is asked for at the terminal."""
    place = Path(path or OWN_KEY).expanduser()
    try:
        return private_key(place)
    except NeedsPassphraseError:
        passphrase = click.prompt(_("passphrase of {key}", key=place), hide_input=True, err=True)
        return private_key(place, passphrase)


def keep(
    file: Path,
    key: Ed25519PrivateKey,
    course: Course,
    report: Path,
    *,
    folder: Folder | None = None,
    options: GradeOptions | None = None,
) -> None:
    """Write the evidence of a report, and beside it the signature that ssh-keygen reads."""
    files = folder_files(report)
    predicate: dict[str, Any] = {
        "labkit": __version__,
        "course": course_digest(course.root),
        "made": now().isoformat(timespec="seconds"),
    }
    if folder and options:
        files |= {SUBMISSION + path: data for path, data in folder.files.items()}
        predicate |= {
            "folder": folder.name,
            "executable": sorted(folder.executable),
            "options": options.to_json(),
        }
    data = signed(statement(files, predicate), key)
    write_whole(file, data)
    write_whole(file.with_name(file.name + ".sig"), sshsig(data, key))
    show.say(
        _("evidence: {path}, signed by {key}.   next: {command}", path=file,
          key=fingerprint(public_line(key.public_key())),
          command=f"labkit evidence verify {file}")
    )  # fmt: skip
    show.say(
        _("without labkit: {command}",
          command=f"ssh-keygen -Y verify -f ALLOWED_SIGNERS -I NAME -n {NAMESPACE} "
                  f"-s {file}.sig < {file}")
    )  # fmt: skip


def _checked(file: Path, key: str) -> tuple[Evidence | None, list[str]]:
    """The evidence if it can be read, and what is wrong with it."""
    try:
        data = file.read_bytes()
        expected = public_line(public_key(Path(key).read_text("utf-8"))) if key else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(_("there is no {path}", path=key if file.exists() else file)) from error
    try:
        found = opened(data)
    except NoEvidenceError as error:
        return None, [str(error)]
    wrong = []
    if expected and found.signer != expected:
        wrong.append(_("it is signed by another key: {key}", key=fingerprint(found.signer)))
    course = the_course()
    if found.predicate["course"] != course_digest(course.root):
        show.say(
            _("it was graded with another version of the course: figures of drills may differ")
        )
    with tempfile.TemporaryDirectory() as place:
        try:
            laid_out(found.files, Path(place))
            wrong += contradictions(found.result, course, Path(place) / "drills")
        except (NoEvidenceError, ValueError, KeyError, TypeError) as error:
            wrong.append(_("{file} is not a result: {why}", file=RESULT, why=error))
    return found, wrong


def _compared(claimed: Mapping[str, Any], found: Mapping[str, Any]) -> int:
    """Show what differs between two results; the exit code."""
    old, new = (
        {check["id"]: check["verdict"] for step in one["steps"] for check in step["checks"]}
        for one in (claimed, found)
    )
    different = [
        (name, old.get(name, "–"), new.get(name, "–"))
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    ]
    marks = [span(one["score_low"], one["score_high"]) for one in (claimed, found)]
    show.table([(_("mark"), *marks), *different], (_("check"), _("claimed"), _("found")))
    if not different:
        show.say(_("every verdict was confirmed: {count}", count=len(old)))
        return EXIT_PASSED
    unclear = any("inconclusive" in pair for _name, *pair in different)
    return EXIT_INCONCLUSIVE if unclear else EXIT_FAILED
