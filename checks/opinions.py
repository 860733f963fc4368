"""What tools say that are not ours, of what our checks judge: for `labkit verify`.

Each reads what was handed in, in a place of its own where it can, and starts nothing from it.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
import uuid
from collections.abc import Mapping, Sequence

from labkit.course import Opinion, Submission
from labkit.remote import Shell, Shells

# What a tool says of a computer that lacks what the file names, and not of the file.
OF_THE_COMPUTER = re.compile(
    r"cannot (?:open|stat|read|access)|unable to|No such file|Permission|not resolve|not found"
)
LAST_WORDS = 300  # characters


def handed_in(submission: Submission, artefact: str) -> bytes | None:
    """A file of a submission, as it goes to the machines; None if it has none."""
    source = submission.sources.get(artefact)
    return submission.files.get(source) if source else None


def asked(shell: Shell, files: Mapping[str, bytes], words: Sequence[str]) -> str | None:
    """What a command says among these files: "" if it accepts them, None if it lacks something."""
    folder = f"/tmp/labkit-opinion-{uuid.uuid4().hex}"
    shell.ask(shlex.join(["mkdir", folder]))
    try:
        shell.unpack(files, folder)
        answer = shell.ask(f"cd {shlex.quote(folder)} && {shlex.join(words)}")
    finally:
        shell.ask(shlex.join(["rm", "-rf", folder]))
    if answer.ok or OF_THE_COMPUTER.search(answer.said):
        return "" if answer.ok else None
    return answer.said[-LAST_WORDS:] or str(answer.exit_code)


def haproxy(submission: Submission, shells: Shells) -> str | None:
    """HAProxy's own check, as a user who may do nothing."""
    file = handed_in(submission, "haproxy/haproxy.cfg")
    if file is None:
        return None
    return asked(shells["lb"], {"haproxy.cfg": file}, ["haproxy", "-c", "-f", "haproxy.cfg"])


def rsyslog(submission: Submission, shells: Shells) -> str | None:
    """rsyslog's own check of the machine's configuration, of which the file is a part by then."""
    if handed_in(submission, "haproxy/rsyslog-haproxy.conf") is None:
        return None
    answer = shells["lb"].ask("rsyslogd -N1", sudo=True)
    return "" if answer.ok else answer.said[-LAST_WORDS:]


def compose(submission: Submission, shells: Shells) -> str | None:
    """Compose's own reading of the file, among all the others of the submission."""
    if handed_in(submission, "docker-compose.yml") is None:
        return None
    source = submission.sources["docker-compose.yml"]
    words = ["docker", "compose", "-f", source, "config", "--quiet"]
    return asked(shells["web1"], submission.files, words)


def buildkit(submission: Submission, _shells: Shells) -> str | None:
    """BuildKit's own parser."""
    file = handed_in(submission, "simple_api/Dockerfile")
    if file is None or not importlib.util.find_spec("dockerfile"):
        return None
    parser = importlib.import_module("dockerfile")  # not at the top: authors alone have it
    try:
        parser.parse_string(file.decode("utf-8", "replace"))
    except parser.GoParseError as error:
        return str(error)
    return ""


OPINIONS = (
    Opinion("BuildKit's parser", "dockerfile.builds", buildkit),
    Opinion("docker compose config", "compose.valid", compose, whole=True),
    Opinion("haproxy -c", "haproxy.runs", haproxy, whole=True),
    Opinion("rsyslogd -N1", "haproxy.logged", rsyslog),
)
