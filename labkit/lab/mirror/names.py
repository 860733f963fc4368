"""Public names of images: "httpd:2" is the repository library/httpd of Docker Hub, tag 2."""

from __future__ import annotations

import re

from labkit.errors import UsageError
from labkit.locale import _

# The grammar of the distribution project, reference/regexp.go.
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_HUB_HOSTS = ("docker.io/", "index.docker.io/")
_LONGEST = 255


def split_public_name(name: str) -> tuple[str, str]:
    """Repository and tag of `name`: "httpd" is ("library/httpd", "latest").

    Raises UsageError for what no engine would look up in a mirror: a digest, a name of another
    registry (an engine asks its mirrors for Docker Hub only), or what is not a name at all.
    """
    short = name
    for host in _HUB_HOSTS:
        short = short.removeprefix(host)
    if "@" in short:
        raise _refused(name, _("a digest cannot be given to an image, only a name"))
    repository, colon, tag = short.partition(":")
    components = repository.split("/")
    if len(components) > 1 and ("." in components[0] or components[0] == "localhost"):
        raise _refused(name, _("engines ask the mirror for names of Docker Hub only"))
    if "/" in tag:
        raise _refused(name, _("engines ask the mirror for names of Docker Hub only"))
    if len(repository) > _LONGEST or not all(map(_COMPONENT.fullmatch, components)):
        raise _refused(
            name, _("a repository name has lower-case letters and digits, with . _ - between them")
        )
    if colon and not _TAG.fullmatch(tag):
        raise _refused(
            name, _("a tag has letters, digits and . _ -, and does not start with . or -")
        )
    if len(components) == 1:
        repository = f"library/{repository}"
    return repository, tag or "latest"


def public_name(repository: str, tag: str) -> str:
    """What a person types for `repository` and `tag`: "httpd:2"."""
    return f"{repository.removeprefix('library/')}:{tag}"


def _refused(name: str, why: str) -> UsageError:
    return UsageError(
        _("{name!r} cannot be a name in the mirror: {why}", name=name, why=why),
        then=_("for example httpd:2"),
    )
