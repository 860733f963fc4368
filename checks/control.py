"""A build that failed for want of something: was it the student's mistake, or does the lab lack it?

Where an index can be reached, it is asked whether it has what was asked for. Where none can, nobody
can tell.
"""

from __future__ import annotations

import re
import shlex

from checks.builds import ALPINE, NO_WHEEL, OF_OLD, PYTHON, Build, is_stand_in, not_alpine
from labkit.course import CannotTellError, not_met
from labkit.facts.docker import plain_name
from labkit.locale import _
from labkit.remote import Shell

CONTROL_LIMIT_S = 60.0
# What package managers say of an index that they cannot reach, or that does not have it.
LACKING = re.compile(
    r"No matching distribution found|Could not find a version that satisf"
    r"|Temporary failure (?:in name resolution|resolving)|Could not resolve host"
    r"|Unable to locate package|has no installation candidate|no such package"
    r"|E: Version '[^']*' for '[^']*' was not found"
    r"|Failed to fetch|getaddrinfo (?:EAI_AGAIN|ENOTFOUND)|dial tcp: lookup"
    r"|Network is unreachable|ProxyError|because .* was not found in the package registry"
)
OF_DEBIAN = re.compile(
    r"E: (?:Unable to locate package |Package ')([a-z0-9][a-z0-9.+-]*)(?:' has no)?"
)
OF_PIP = re.compile(r"No matching distribution found for ([A-Za-z0-9][A-Za-z0-9._-]*)")
# Commands that images of the world bring and the lab's stand-ins do not.
NOT_FOUND = re.compile(
    r"(?:\b(?:ba|da|a|z|k)?sh: (?:\d+: |line \d+: )?|exec: \"?)([\w.+-]+)\"?: "
    r"(?:command )?not found"
    r"|\"([\w.+-]+)\": executable file not found"
)
# What buildpack-deps puts into a whole image of Python (its Dockerfiles, curl, scm, and the rest).
OF_WHOLE = re.compile(
    r"autoconf|automake|bzip2|bzr|c\+\+|cc|curl|dpkg-dev|file|g\+\+|gcc|git|gpg|hg|make|mysql_config"
    r"|mariadb_config|patch|pg_config|ps|ssh|svn|unzip|wget|xz"
)
OF_ALPINE = re.compile(r"apk|nc|unzip|vi|wget")  # BusyBox has the others
OF_PHP = re.compile(r"curl|docker-php-\w[\w-]*|make|gcc|g\+\+|pear|pecl|phpize|php-config|xz|file")
OF_NONE = re.compile(r"(?!)")  # a bare system is what the lab's own is
OF_IMAGES = {"python": OF_WHOLE, "php": OF_PHP, "debian": OF_NONE, "ubuntu": OF_NONE}
OF_SLIM = re.compile(r":(?:.*-)?slim")
COMPILER = "gcc"
# What BuildKit and its predecessor say of a RUN that ended otherwise than with 0.
RUN_FAILED = re.compile(r"did not complete successfully|returned a non-zero code")
ASK_DEBIAN = (
    "apt-get update -qq -o Acquire::Retries=0 -o APT::Update::Error-Mode=any >/dev/null 2>&1 || "
    "exit 9; apt-cache policy {name} | grep -q 'Candidate: [^(]'"
)
ASK_PIP = (
    "python3 -m pip index versions pip >/dev/null 2>&1 || exit 9; "
    "python3 -m pip index versions {name} >/dev/null 2>&1"
)


def brings(image: str, command: str) -> bool:
    """Whether an image that the lab stands in for has a command that is no part of a bare Debian.

    A slim one has none, and no image has another distribution's package manager.
    """
    if ALPINE.search(image):
        found = OF_ALPINE
    elif OF_SLIM.search(image):
        return False
    else:  # those of the registry and of its page are made from Alpine
        found = OF_IMAGES.get(plain_name(image), OF_ALPINE)
    return found.fullmatch(command) is not None


def must_have_commands(machine: Shell, bases: list[str], text: str) -> None:
    """CannotTellError if a command was not found that these images bring, and the lab's do not."""
    missing = NOT_FOUND.search(text)
    command = (missing.group(1) or missing.group(2)) if missing else ""
    compiles = NO_WHEEL.search(text)  # what would be compiled lies in its wheelhouse
    if compiles:
        command = COMPILER
    if any((compiles or brings(base, command)) and is_stand_in(machine, base) for base in bases):
        raise CannotTellError(
            _("the lab's stand-in for {image} has no {command}",
              image=", ".join(bases), command=command),
            settle=f"labkit bundle --add {bases[0]}",
        )  # fmt: skip


def must_not_lack(web1: Shell, build: Build, text: str) -> None:
    """Where a build failed for want of a package or a command: CannotTellError, or not met.

    Returns if it failed for another reason.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    bases = build.bases(web1)
    must_have_commands(web1, bases, text)
    lacking = next((line for line in lines if LACKING.search(line)), "")
    if not lacking:
        if (
            RUN_FAILED.search(text)
            and not NOT_FOUND.search(text)
            and (alpine := not_alpine(web1, build))
        ):
            raise CannotTellError(
                _("{image} is Debian here, and a command ends differently there: {error}",
                  image=alpine, error=lines[-1][-200:]),
                settle=f"labkit bundle --add {alpine}",
            )  # fmt: skip
        return
    for pattern, question in ((OF_DEBIAN, ASK_DEBIAN), (OF_PIP, ASK_PIP)):
        for name in dict.fromkeys(one.group(1) for one in pattern.finditer(text)):
            if _nobody_has(web1, bases, question.format(name=shlex.quote(name))):
                not_met(
                    expected=_("packages that exist"),
                    seen=_("{name}: the index has no package of this name", name=name),
                    where=f"web1:{build.dockerfile}, RUN",
                )
    raise CannotTellError(
        _("the lab's package index does not give what the build asks for: {error}",
          error=lacking[-200:]),
        settle=_("labkit grade again, with a network"),
    )  # fmt: skip


def _nobody_has(web1: Shell, bases: list[str], question: str) -> bool:
    """Whether an index that answers lacks it, asked from the image that the build starts from.

    A base of former times may have had it: of those nothing is said.
    """
    base = bases[-1] if bases else ""
    if not PYTHON.fullmatch(base) and base not in ("python", "python:slim", "python:latest"):
        return False
    if OF_OLD.search(base):
        return False
    words = ["docker", "run", "--rm", "--entrypoint", "sh", base, "-c", question]
    return web1.ask(shlex.join(words), timeout=CONTROL_LIMIT_S).exit_code == 1
