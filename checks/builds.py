"""How the API's image is built on a machine, and what stands in for the base that it names."""

from __future__ import annotations

import posixpath
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from labkit.course import CannotTellError, Submission, not_met
from labkit.facts.compose.project import PLACES
from labkit.facts.dockerfile import base_images, build_arguments, build_options, copied_sources
from labkit.locale import _
from labkit.remote import Shell
from subject.contract import PROJECT
from subject.releases import DEBIAN, OLD_PYTHON, names, release_of
from subject.roles import Project

# Dockerfiles that are not the website's, where people put them.
FIND = (
    f"find {PLACES} -maxdepth 5 -type f -size +0 -readable "
    "\\( -iname 'dockerfile*' -o -iname '*.dockerfile' -o -iname 'containerfile*' \\) "
    "! -iname '*.dockerignore' 2>/dev/null | while read -r file; do "
    "grep -qiE '^[[:space:]]*((FROM[[:space:]]+(--[^[:space:]]+[[:space:]]+)*|ARG[[:space:]]+"
    "[[:alnum:]_]+=)[^[:space:]]*(php|httpd|apache)"
    "|(COPY|ADD)[[:space:]].*(\\.php|/var/www/html))' "
    '"$file" || echo "$file"; done'
)


# Where Python is in an image that stands in for a bare system (steps/apt.sh).
OUT_OF_SIGHT = "/usr/share/labkit/hidden/python/usr/bin"
DOCKERFILE = "simple_api/Dockerfile"  # of the course's layout
PYTHON = re.compile(r"(?:docker\.io/)?(?:library/)?python:(\d+(?:\.\d+)?)(?:[.-].*)?")
OF_PYTHON_2 = re.compile(r"\bpython(?:2\S*|-(?:pip|dev|minimal|setuptools))?\s")
# Releases of Debian that had more, or other, packages than the lab's.
OF_OLD = re.compile(rf":{OLD_PYTHON}|{names(DEBIAN[:-1])}|alpine")
ALPINE = re.compile(r":(?:.*-)?alpine")
# What pip and compilers say of a package that does not become a wheel for this Python.
NO_WHEEL = re.compile(
    r"subprocess-exited-with-error|metadata-generation-failed|Failed (?:building wheel|to build)"
    r"|command '\S*(?:gcc|cc)' failed|Could not build wheels|requires a different Python"
    r"|No module named '(?:distutils|imp|pkg_resources)'|use_2to3"
)
# What pip says of pinned releases that it takes for misfits: those of another time are told by the
# lab what they fitted, which their own time did not ask.
UNFIT = re.compile(r"ResolutionImpossible|conflicting dependencies")
# What the wrong major version says of a script.
OF_ANOTHER_MAJOR = re.compile(
    r"(?:Syntax|Tab|Indentation|Import|ModuleNotFound|Name|Attribute)Error"
)
# What a package says that another minor version has outlived; the last file named is its own.
OF_ANOTHER_MINOR = re.compile(
    r"(?s)-packages/[^\n]*\n(?:(?!  File ).)*(?:Import|ModuleNotFound|Attribute|Syntax)Error"
)
# A module that is not there. Another minor version has none that it has lost: Python's own lists,
# "What's New In Python" 3.10 to 3.13, and what came along with setuptools.
MISSING = re.compile(r"ModuleNotFoundError: No module named '(\w+)")
LOST = {
    "aifc", "asynchat", "asyncore", "audioop", "binhex", "cgi", "cgitb", "chunk", "crypt",
    "distutils", "formatter", "imghdr", "imp", "lib2to3", "mailcap", "msilib", "nis", "nntplib",
    "ossaudiodev", "parser", "pipes", "pkg_resources", "setuptools", "smtpd", "sndhdr", "spwd",
    "sunau", "symbol", "telnetlib", "uu", "xdrlib",
}  # fmt: skip
# One module has no longer what another asks of it.
MISFIT = re.compile(r"ImportError: cannot import name '\w+' from '(\w+)")
# Flask 1 and Jinja2 3.1 (March 2022) and the like never worked on a Python that came later.
FIRST_WITHOUT_OLD_PACKAGES = (3, 11)


@dataclass(frozen=True)
class Build:
    """How the API's image is built: the Dockerfile, its context, and further options."""

    dockerfile: str
    context: str
    options: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        return shlex.join(
            ["docker", "build", "-q", "-f", self.dockerfile, *self.options, self.context]
        )

    def bases(self, machine: Shell) -> list[str]:
        """The images that it starts from."""
        return base_images(machine.read(self.dockerfile) or "", build_arguments(self.options))

    @property
    def at_length(self) -> str:
        """The same with what its instructions print, which BuildKit keeps to itself with -q."""
        words = ["docker", "build", "-f", self.dockerfile, *self.options, self.context]
        return f"BUILDKIT_PROGRESS=plain {shlex.join(words)} 2>&1"


@dataclass(frozen=True)
class Replaced:
    """A base image whose Python is another one than its tag says: the lab's stand-in for it."""

    image: str
    asked: str  # as in the tag: 3.8
    found: str  # as Python says: 3.13.5

    @property
    def note(self) -> str:
        return _("{image} is Python {version} here", image=self.image, version=self.found)

    def explains(self, said: str) -> bool:
        """Whether what a build or a script has said may be the other version's doing."""
        major = self.asked.partition(".")[0] != self.found.partition(".")[0]
        script = OF_ANOTHER_MAJOR if major else OF_ANOTHER_MINOR
        missing = MISSING.search(said)
        if missing and not major and not NO_WHEEL.search(said):
            return missing.group(1) in LOST
        misfit = MISFIT.search(said)
        version = tuple(map(int, self.asked.split(".")))
        if misfit and version >= FIRST_WITHOUT_OLD_PACKAGES:
            return misfit.group(1) in sys.stdlib_module_names
        return any(one.search(said) for one in (NO_WHEEL, UNFIT, script))


def replaced(web: Shell, build: Build) -> Replaced | None:
    """The base of a build that has another version than its tag names; None if there is none."""
    for image in build.bases(web):
        asked = python_of(image, web.read(build.dockerfile) or "")
        if not asked:
            continue
        words = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "sh", image]
        look = f"PATH=$PATH:{OUT_OF_SIGHT} python3 -V"
        said = web.ask(shlex.join([*words, "-c", look])).said
        found = re.search(r"^Python (\d+\.\d[\d.]*)", said, re.M)
        if found and not f"{found.group(1)}.".startswith(f"{asked}."):
            return Replaced(image, asked, found.group(1))
    return None


def python_of(image: str, dockerfile: str) -> str:
    """The version of Python that a base has, or that apt brings into it; "" if it cannot be told.

    Of a system it is Python 2 where the Dockerfile installs that.
    """
    if found := PYTHON.fullmatch(image):
        return found.group(1)
    if release := release_of(image):
        by_apt = release.has_python_2 and OF_PYTHON_2.search(dockerfile)
        return "2.7" if by_apt else release.python
    return ""


def is_stand_in(web: Shell, image: str) -> bool:
    """Whether the lab's own image serves in the place of this one."""
    label = '{{index .Config.Labels "org.labkit.stand-in"}}'
    return bool(web.ask(shlex.join(["docker", "image", "inspect", "-f", label, image])).text)


def not_alpine(web: Shell, build: Build) -> str:
    """The base of a build that asks for Alpine and is given Debian; "" if there is none."""
    for image in build.bases(web):
        if ALPINE.search(image) and is_stand_in(web, image):
            return image
    return ""


def must_be_its_version(web: Shell, build: Build, said: str) -> None:
    """CannotTellError if what was said may be so only because the lab has another version."""
    if not any(one.search(said) for one in (NO_WHEEL, UNFIT, OF_ANOTHER_MAJOR)):
        return
    misfit = MISFIT.search(said)
    if misfit and is_pinned(web, build, misfit.group(1)):
        return  # what a student has chosen fits with no Python
    other = replaced(web, build)
    if other and other.explains(said):
        raise CannotTellError(
            _(
                "the lab has no {image}, and with Python {version} in its place: {error}",
                image=other.image,
                version=other.found,
                error=said.strip()[-200:],
            ),
            settle=f"labkit bundle --add {other.image}",
        )


def is_pinned(web: Shell, build: Build, package: str) -> bool:
    """Whether a build asks for one release of a package, in its Dockerfile or its requirements."""
    pattern = shlex.quote(rf"\b{package}(\[[^]]*\])?[[:space:]]*==")
    context, dockerfile = shlex.quote(build.context), shlex.quote(build.dockerfile)
    question = f"grep -qsiE {pattern} {dockerfile} {context}/*.txt {context}/*/*.txt"
    return bool(web.ask(question).ok)


def find_build(web1: Shell, project: Project | None, submission: Submission | None = None) -> Build:
    """The API's Dockerfile on web1, with the context that it is written for.

    Of a submission it is the one that was built, whatever else lies there.
    """
    if submission and submission.sources.get(DOCKERFILE):
        return _built(submission)
    api = project.api if project else None
    described = _described(api.raw.get("build")) if api else None
    if described and web1.ask(f"test -s {shlex.quote(described.dockerfile)}").ok:
        return described
    found = web1.ask(FIND).stdout.splitlines()
    if not found:
        not_met(
            expected=_("a Dockerfile that is not empty, beside student_age.py"),
            seen=_("none"),
            where="web1:/srv/student-list/simple_api/Dockerfile",
        )
    builds = [_with_context(web1, path) for path in found]
    return min(builds, key=lambda one: (not one.dockerfile.startswith("/srv"), one.dockerfile))


def _built(submission: Submission) -> Build:
    """How step c has built the image."""
    *given, context = shlex.split(submission.options["build: what"])
    options = [word for word, before in zip(given, ["", *given], strict=False)
               if "-f" not in (word, before)]  # fmt: skip
    return Build(
        posixpath.join(PROJECT, submission.sources[DOCKERFILE]),
        posixpath.normpath(posixpath.join(PROJECT, context)),
        tuple(options),
    )


def _described(build: Any) -> Build | None:
    """What a compose file says of it, in Compose's normal form."""
    if not isinstance(build, dict) or not build.get("context"):
        return None
    context = str(build["context"])
    path = posixpath.join(context, str(build.get("dockerfile") or "Dockerfile"))
    return Build(path, context, tuple(build_options(build)))


def _with_context(web1: Shell, path: str) -> Build:
    """The folder whose files it copies: its own, or the one above where it is the other one."""
    folder = str(PurePosixPath(path).parent)
    copied = copied_sources(web1.read(path) or "")

    def lacking(base: str) -> int:
        names = " ".join(_as_pattern(posixpath.join(base, word)) for word in copied)
        script = f'for name in {names}; do test -e "$name" || echo lacking; done'
        return len(web1.ask(script).stdout.splitlines()) if copied else 0

    above = str(PurePosixPath(folder).parent)
    return Build(path, above if lacking(above) < lacking(folder) else folder)


def _as_pattern(path: str) -> str:
    """A path for a shell, which looks up its patterns alone."""
    return "".join(part if part in ("*", "?") else shlex.quote(part)
                   for part in re.split(r"([*?])", path) if part)  # fmt: skip
