"""What may be so only because the lab has another Python than a Dockerfile names."""

from __future__ import annotations

import pytest

from checks.builds import Build, find_build, must_be_its_version, replaced
from labkit.course import CannotTellError
from labkit.remote import PlannedShell, Result, from_facts
from steps.recognition import recognise
from tests import ROOT

BUILD = Build("/srv/student-list/simple_api/Dockerfile", "/srv/student-list/simple_api")
OLD_PRINT = """it ended; its log:   File "/student_age.py", line 3
    print "hello"
SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?"""
OLD_PACKAGE = """it ended; its log:   File "/usr/lib/python3/dist-packages/jinja/x.py", line 3
    import asynchat
ModuleNotFoundError: No module named 'asynchat'"""
NO_DEPS = OLD_PACKAGE.replace("asynchat", "werkzeug")
OWN_MISTAKE = """it ended; its log:   File "/student_age.py", line 5
    from flask_httpauth import HTTPBasicAuth
ModuleNotFoundError: No module named 'flask_httpauth'"""
MISFIT = """it ended; its log:   File "/usr/local/lib/python3.13/dist-packages/flask/__init__.py"
    from jinja2 import escape
ImportError: cannot import name 'escape' from 'jinja2' (/usr/local/lib/jinja2/__init__.py)"""
GONE = MISFIT.replace("'escape' from 'jinja2'", "'Mapping' from 'collections'")
NO_WHEEL = "error: subprocess-exited-with-error\n× Building wheel for x did not run successfully."
NO_FILE = 'ERROR: failed to build: failed to solve: "/student_ages.py": not found'


def web(image: str, python: str = "Python 3.13.5") -> PlannedShell:
    facts = {"cat /srv/student-list/simple_api/Dockerfile": f"FROM {image}\n", "docker run": python}
    return PlannedShell("web1", from_facts(facts))


@pytest.mark.parametrize(
    ("image", "asked"),
    [("python:3.8-buster", "3.8"), ("docker.io/library/python:2.7", "2.7"), ("python:3.1", "3.1")],
)
def test_a_tag_that_names_another_version_is_noted(image: str, asked: str) -> None:
    found = replaced(web(image), BUILD)
    assert found is not None
    assert (found.asked, found.note) == (asked, f"{image} is Python 3.13.5 here")


@pytest.mark.parametrize("image", ["python:3", "python:3.13-slim", "python:slim", "php:8-apache"])
def test_nothing_is_said_of_what_is_what_it_says(image: str) -> None:
    assert replaced(web(image), BUILD) is None
    must_be_its_version(web(image), BUILD, NO_WHEEL)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("python:2.7-buster", OLD_PRINT), ("python:3.6", OLD_PACKAGE), ("python:3.8", NO_WHEEL),
        ("python:3.9-slim", MISFIT), ("python:3.9-slim", GONE), ("python:3.12", GONE),
        ("python:2", OWN_MISTAKE),  # in Python 2 it may be there under another name
    ],
)  # fmt: skip
def test_what_the_version_may_explain_cannot_be_told(image: str, said: str) -> None:
    with pytest.raises(CannotTellError) as caught:
        must_be_its_version(web(image), BUILD, said)
    assert image in caught.value.why
    assert caught.value.settle == f"labkit bundle --add {image}"


@pytest.mark.parametrize(
    ("image", "said"),
    [("python:3.8", OLD_PRINT), ("python:3.8", OWN_MISTAKE), ("python:3.8", NO_FILE),
     ("python:2.7", NO_FILE), ("python:3.12", MISFIT), ("python:3.11-slim", MISFIT),
     ("python:3.12-slim", NO_DEPS), ("python:3.8", NO_DEPS)],  # pip was told not to bring it
)  # fmt: skip
def test_a_mistake_in_any_version_stays_one(image: str, said: str) -> None:
    must_be_its_version(web(image), BUILD, said)


CHOSEN = MISFIT.replace("'escape' from 'jinja2'", "'BaseResponse' from 'werkzeug.wrappers'")


@pytest.mark.parametrize("image", ["python:3.8-buster", "python:3.9-slim", "python:2.7"])
def test_what_was_pinned_and_fits_with_nothing_is_a_mistake(image: str) -> None:
    pinned = {"cat /srv": f"FROM {image}\n", "docker run": "Python 3.13.5", "grep -qsiE": ""}
    shell = PlannedShell("web1", from_facts(pinned))
    must_be_its_version(shell, BUILD, CHOSEN)
    with pytest.raises(CannotTellError):
        must_be_its_version(
            PlannedShell("web1", from_facts({**pinned, "grep -qsiE": 1})), BUILD, CHOSEN
        )


API = b"FROM python:3\nCOPY student_age.py /\n"


@pytest.mark.parametrize(
    ("files", "build"),
    [
        ({"v1/simple_api/Dockerfile": API, "v2/simple_api/Dockerfile": API},
         Build("/srv/student-list/v2/simple_api/Dockerfile", "/srv/student-list/v2/simple_api")),
        ({"a/b/c/d/e/Dockerfile": API, "README.md": b""},
         Build("/srv/student-list/a/b/c/d/e/Dockerfile", "/srv/student-list/a/b/c/d/e")),
        ({"d/api.Dockerfile": API, "student_age.py": b"x", "compose.yml":
          b"services:\n  api:\n    build: {context: ., dockerfile: d/api.Dockerfile, target: t}\n"},
         Build("/srv/student-list/d/api.Dockerfile", "/srv/student-list", ("--target", "t"))),
    ],
)  # fmt: skip
def test_what_is_judged_of_a_submission_is_what_was_built(
    files: dict[str, bytes], build: Build
) -> None:
    submission = recognise(files, ROOT / "steps" / "reference")
    assert find_build(web("x"), None, submission) == build


def test_patterns_tell_the_folder_that_a_dockerfile_copies_from() -> None:
    def answer(command: str) -> Result:
        if command.startswith("find "):
            said = "/srv/x/docker/Dockerfile"
        elif command.startswith("for "):
            said = "" if " '/srv/x/simple api/'*.py;" in command else "lacking"
        else:
            said = "FROM python:3\nCOPY ['simple api/*.py', '/']\n".replace("'", '"')
        return Result(command, said, "", 0)

    found = find_build(PlannedShell("web1", answer), None)
    assert (found.dockerfile, found.context) == ("/srv/x/docker/Dockerfile", "/srv/x")
