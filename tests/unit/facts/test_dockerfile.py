"""Which image of the lab serves a tag that nobody has, and which images a project asks for."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from checks.builds import python_of
from labkit.course import NotMetError
from labkit.facts.compose.project import Project, Service
from labkit.facts.dockerfile import base_images, build_options, copied_sources, is_copied
from labkit.facts.registry import is_registry
from labkit.remote import PlannedShell, Result
from steps.images import as_it_was, formerly, provide_images
from steps.stack import those_to_be_had
from subject.published import is_unheard_of, stand_in
from subject.roles import must_be_heard_of


@pytest.mark.parametrize(
    ("image", "nearest"),
    [
        ("python:3.8-buster", "python:3"),
        ("python:2.7-slim", "python:3-slim"),
        ("docker.io/library/python:3.7-alpine", "python:3-slim"),
        ("php:7.2-apache-stretch", "php:apache"),
        ("registry:2.8.1", "registry:2"),
        ("registry:3", "registry:2"),
        ("registry:3.0.0-rc.4", "registry:2"),
        ("python:3.8.10", "python:3"),
        ("python:alpine3.19", "python:3-slim"),
        ("python:3.9.18-slim-bullseye", "python:3-slim"),
        ("php:8.2.12-apache", "php:apache"),
        ("ubuntu", "python:3-slim"),
        ("ubuntu:20.04", "python:3-slim"),
        ("docker.io/library/ubuntu:jammy-20240111", "python:3-slim"),
        ("debian:11.7-slim", "python:3-slim"),
        ("debian:bookworm-20230411-slim", "python:3-slim"),
        ("debian:oldoldstable", "python:3-slim"),
        ("joxit/docker-registry-ui:1.5-static", "joxit/docker-registry-ui:latest"),
        ("joxit/docker-registry-ui:2.5.6-debian", "joxit/docker-registry-ui:latest"),
    ],
)
def test_another_tag_is_served_by_the_nearest_one(image: str, nearest: str) -> None:
    assert stand_in(image) == nearest


@pytest.mark.parametrize(
    "image",
    ["python", "php:apache", "php:8-fpm", "node:20", "me/python:3.8", "python@sha256:00",
     "python:3@sha256:00", "lb:5000/registry:2", "student-age:1.0", ""],
)  # fmt: skip
def test_nothing_else_is(image: str) -> None:
    assert stand_in(image) == ""


@pytest.mark.parametrize(
    "image",
    ["registry:99", "registry:2.9", "registry:2.7.7", "registry:v2", "registry:2-slim",
     "joxit/docker-registry-ui:9.9", "joxit/docker-registry-ui:1.5-statik", "python:3.99-slim",
     "python:3.12-slimm", "python:4", "python:3.8.99", "python:3..8", "php:6-apache",
     "php:apache-buser", "ubuntu:20.5", "ubuntu:24.04-slim", "debian:14.1", "debian:buser",
     "registry:2٣", "registry:" + "2" * 5000],
)  # fmt: skip
def test_what_was_never_published_has_nobody_to_stand_in_for(image: str) -> None:
    assert stand_in(image) == ""


@pytest.mark.parametrize("image", ["php:8.4.20-apache", "python:3.14.3-slim", "registry:3.0.1"])
def test_a_line_that_was_maintained_has_gone_on(image: str) -> None:
    assert stand_in(image)


@pytest.mark.parametrize(
    "image", ["registry:99", "docker.io/library/python:33-slim", "php:88-apache", "python:9.9"]
)
def test_a_version_that_cannot_be_there_yet_is_a_mistake(image: str) -> None:
    assert is_unheard_of(image)
    with pytest.raises(NotMetError, match=image):
        must_be_heard_of(PlannedShell("lb", lambda asked: Result(asked, "", "", 1)), ["x", image])
    must_be_heard_of(PlannedShell("lb", lambda asked: Result(asked, "", "", 0)), [image])


@pytest.mark.parametrize(
    "image", ["registry:4", "registry:2.9", "python", "php:apache", "me/registry:99", "node:99",
              "python:3.12-slimm", "lb:5000/python:99", ""],
)  # fmt: skip
def test_of_others_nobody_can_tell(image: str) -> None:
    assert not is_unheard_of(image)


def test_bases_are_those_that_have_to_come_from_somewhere() -> None:
    dockerfile = (
        "ARG VERSION=3\nFROM --platform=linux/amd64 python:3.8-slim AS Built\n"
        "  from built AS tested\nFROM python:${VERSION}\nFROM php:7.4-apache\nFROM php:7.4-apache\n"
    )
    assert base_images(dockerfile) == ["python:3.8-slim", "python:3", "php:7.4-apache"]
    assert "python:3.9" in base_images(dockerfile, {"VERSION": "3.9"})


@pytest.mark.parametrize(
    ("dockerfile", "bases"),
    [
        ("ARG P=3.8\nARG S=slim\nFROM python:${P}-${S}\n", ["python:3.8-slim"]),
        ("ARG P=3.8 S='slim'\nFROM python:$P-$S\n", ["python:3.8-slim"]),
        ("FROM python:${P:-3.8}\n", ["python:3.8"]),
        ("ARG P\nFROM python:$P\n", []),
        ("FROM python:3 AS a\nARG P=2\nFROM a\n", ["python:3"]),
        ("FROM python:3\nCOPY --from=ghcr.io/x/uv:1 /uv /bin/\n", ["python:3", "ghcr.io/x/uv:1"]),
        ("FROM python:3 AS a\nFROM php\nCOPY --from=A --chown=1 /x /\nCOPY --from=0 /x /\n",
         ["python:3", "php"]),
        ("FROM python:3\nRUN <<EOF\nFROM x\nEOF\nCOPY <<-'A' <<B /x/\nFROM y\nA\nFROM z\nB\n",
         ["python:3"]),
        ("FROM \\\n  # the newest\n\n  python:3\n# FROM x\n", ["python:3"]),
        ("# escape=`\nFROM `\n  python:3\nRUN dir C:\\\nFROM php\n", ["python:3", "php"]),
        ("ARG T=3.8\nARG I=python:$T\nFROM ${I}-slim\n", ["python:3.8-slim"]),
        ("FROM python:3\nRUN cat <<<word\nRUN echo $((1<<n))\nRUN sh -c 'cat <<X'\nFROM php\n",
         ["python:3", "php"]),
        ("FROM\n", []),
    ],
)  # fmt: skip
def test_bases_are_told_by_the_instructions(dockerfile: str, bases: list[str]) -> None:
    assert base_images(dockerfile) == bases


def test_what_is_copied_from_the_context() -> None:
    dockerfile = (
        "FROM python:3\nCOPY --chown=1:1 --link ./a.py /b.py /x/\nADD https://x.org/c.py /\n"
        'COPY <<EOF /d\nCOPY e.py /\nEOF\nCOPY ["f g.py", "/"]\ncopy --from=x h.py /\n'
    )
    assert copied_sources(dockerfile) == ["./a.py", "b.py", "f g.py"]


@pytest.mark.parametrize(
    ("lines", "sources"),
    [
        ("ARG SRC=api\nCOPY ${SRC}/a.py $SRC/b.py /", ["api/a.py", "api/b.py"]),
        ("ENV DIR api\nADD $DIR /", ["api"]),
        ("ARG SRC\nCOPY $SRC/a.py /", ["front/a.py"]),
        ("COPY api/*.py ./requirements*.txt /", ["api/*.py", "./requirements*.txt"]),
        ("COPY --exclude=*.md --parents 'a.py' /", ["a.py"]),
        ("COPY ['a', 'b', '/']", ["'a'", "'b'"]),
    ],
)
def test_what_is_copied_may_be_a_variable_or_a_pattern(lines: str, sources: list[str]) -> None:
    assert copied_sources(f"FROM x\n{lines}\n", {"SRC": "front"} if "ARG SRC\n" in lines else {}) \
        == sources  # fmt: skip


@pytest.mark.parametrize(
    ("source", "is_there"),
    [("api/*.py", True), ("api", True), ("api/a?p.py", True), ("*.py", False), ("ap*/*", True),
     ("api/x/*", False), ("api/app.py/x", False)],
)  # fmt: skip
def test_a_pattern_stands_for_what_go_says(source: str, is_there: bool) -> None:
    assert is_copied("api/app.py", source) is is_there


@pytest.mark.parametrize(
    "image",
    ["python:2.7-stretch", "python:2", "docker.io/library/python:3.8-buster", "python:3.6",
     "python:3.9-slim", "python:3.10", "python:slim-buster", "python:3.11-bullseye",
     "python:3.12-alpine", "python:alpine", "python:3-alpine3.19",
     "joxit/docker-registry-ui:1.5-static", "joxit/docker-registry-ui:static"],
)  # fmt: skip
def test_a_tag_of_another_time_is_made_one(image: str) -> None:
    assert formerly(image)


@pytest.mark.parametrize(
    "image",
    ["python", "python:3", "python:3.11-slim", "python:3.12", "php:7-apache", "me/python:2"],
)
def test_a_tag_of_today_stays_what_it_is(image: str) -> None:
    assert not formerly(image)


def test_an_old_tag_is_made_of_the_labs_python_and_another_one_is_it() -> None:
    asked: list[str] = []

    def answer(command: str) -> Result:
        asked.append(command)
        return Result(command, "", "", 0)

    provide_images(PlannedShell("web1", answer), ["python:2.7-buster", "python:3.12-slim"])
    made = [command for command in asked if "docker build" in command]
    assert len(made) == 1
    assert "docker build -q -t python:2.7-buster --label" in made[0]
    assert "FROM python:3" in made[0]


@pytest.mark.parametrize(
    ("labels", "is_built"),
    [
        ("", False),  # no such image
        (" ", False),  # a genuine one has no label of ours
        ("the lab's Python ", True),
        ("the lab's Python 0123456789ab", True),  # made by another recipe
        ("the lab's Python THIS", False),  # made already
    ],
)
def test_an_old_tag_is_made_once(tmp_path: Path, labels: str, is_built: bool) -> None:
    """The command itself, with a `docker` that only says which labels the image has."""
    command = as_it_was("python:2.7-buster", "python:3")
    (mark,) = re.findall(r"as-it-was=([0-9a-f]{12})", command)
    script = (
        '#!/bin/sh\ncase "$1 $2 $3" in\n'
        f"'image inspect -f') echo \"{labels.replace('THIS', mark)}\";;\n"
        f"'build -q -t') cat >{tmp_path}/dockerfile;;\nesac\n"
    )
    (tmp_path / "docker").write_text(script)
    (tmp_path / "docker").chmod(0o755)
    subprocess.run(["sh", "-c", command], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)
    assert (tmp_path / "dockerfile").exists() is is_built


@pytest.mark.parametrize(
    ("image", "old"),
    [("ubuntu:16.04", True), ("ubuntu:focal", True), ("debian:11-slim", True),
     ("debian:oldstable", True), ("ubuntu", False), ("ubuntu:24.04", False), ("debian", False),
     ("debian:12.5", False), ("debian:bookworm-slim", False), ("debian:stable-slim", False)],
)  # fmt: skip
def test_a_bare_system_has_no_python_in_sight_and_keeps_pip_out_today(
    image: str, old: bool
) -> None:
    added = formerly(image)
    assert "apt-get hide" in added
    assert ("archived.list" in added) is old
    assert ("hidden/managed" in added) is not old


@pytest.mark.parametrize(
    ("image", "dockerfile", "version"),
    [
        ("python:3.8-slim", "", "3.8"),
        ("ubuntu:20.04", "RUN apt install -y python3-pip\n", "3.8"),
        ("ubuntu:20.04", "RUN apt install -y python3 python-pip\n", "2.7"),
        ("docker.io/library/debian:10.13-slim", "RUN apt install python python-dev\n", "2.7"),
        ("ubuntu:22.04", "RUN python -m venv x\n", "3.10"),
        ("ubuntu", "", "3.12"),
        ("debian:bullseye-slim", "", "3.9"),
        ("debian", "", ""),
        ("me/ubuntu:20.04", "", ""),
        ("ubuntu:20.049", "", ""),
    ],
)
def test_the_python_of_a_base_is_that_of_its_release(
    image: str, dockerfile: str, version: str
) -> None:
    assert python_of(image, dockerfile) == version


def test_services_beside_whose_image_nobody_has_are_left_out() -> None:
    """The registry is started without its lone companion; a registry nobody has is not left out."""

    def started(*missing: str, chosen: tuple[str, ...] = ()) -> tuple[str, ...]:
        def answer(command: str) -> Result:
            code = 1 if any(name in command for name in missing) else 0
            return Result(command, "", "", code)

        raw = {
            "depot": {"image": "registry:2"},
            "core": {"image": "goharbor/harbor-core"},
            "page": {"image": "joxit/docker-registry-ui"},
            "own": {"image": "moi/own", "build": "."},
        }
        services = {name: Service(name, one) for name, one in raw.items()}
        project = Project("lb", "/srv/registry/compose.yml", "registry", services)
        return those_to_be_had(PlannedShell("lb", answer), project, chosen, is_registry)

    assert started() == ()
    assert started("moi/own") == ()  # it is built
    assert started("harbor") == ("depot", "page", "own")
    assert started("harbor", "joxit") == ("depot", "own")
    assert started("registry:2") == ()
    assert started(chosen=("depot", "core")) == ("depot", "core")
    assert started("harbor", chosen=("depot", "core")) == ("depot",)


def test_an_alpine_of_long_ago_is_both() -> None:
    added = formerly("python:2.7-alpine")
    assert added.count("\n") == added.count("ENV ") + added.count("RUN ") == 3
    assert "> /sbin/apk" in added
    assert "archived.list" in added


@pytest.mark.parametrize("image", ["python:2-onbuild", "python:3.6-onbuild", "python:onbuild"])
def test_a_base_that_waits_for_what_is_built_from_it_does_so_here(image: str) -> None:
    lines = [line for line in formerly(image).splitlines() if line.startswith("ONBUILD ")]
    assert [line.split()[1] for line in lines] == ["COPY", "RUN", "COPY"]


def test_a_hostile_program_that_reads_the_dockerfile_is_not_named_to_the_engine() -> None:
    build = {"target": "x", "args": {"A": "1", "BUILDKIT_SYNTAX": "127.0.0.1:5000/frontend"}}
    assert build_options(build) == ["--target", "x", "--build-arg", "A=1"]
