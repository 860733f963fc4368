"""What the course recognises in a submission: layouts, names, registries, addresses, nonsense."""

from __future__ import annotations

import signal
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from labkit.classroom import read_folder
from labkit.course import ReadingRules, Submission, load_course, select
from labkit.errors import NothingToGradeError
from labkit.grading.explain import read_checks
from steps.recognition import recognise
from tests import ROOT

COURSE = load_course()
REFERENCE = ROOT / "steps" / "reference"
DOCKERFILE, COMPOSE, INDEX = "simple_api/Dockerfile", "docker-compose.yml", "website/index.php"
REGISTRY, BALANCER = "docker-compose-registry.yml", "haproxy/haproxy.cfg"
RSYSLOG = "haproxy/rsyslog-haproxy.conf"
CPU_LIMIT_S = 1.5  # of the process itself, so that a busy computer changes nothing

BUILD = "FROM python:3.12\nCOPY student_age.py /\n"
STACK = """\
services:
  site:
    image: php:apache
    ports: ["8080:80"]
    volumes: ["./website:/var/www/html"]
  back:
    image: student-age:1.0
"""
STORE = "services:\n  store:\n    image: registry:2\n    ports: ['5000:5000']\n"
CFG = "backend my-backend\n  server a web1:80 check\n  server b web2:80 check\n"


def seen(
    files: Mapping[str, str | bytes], *, fill: bool = True, documented: bool = False
) -> Submission:
    data = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return recognise(data, REFERENCE, ReadingRules(fill, documented))


class TooLongError(BaseException):
    """Not an Exception: nobody may catch it by chance."""


@contextmanager
def quickly(seconds: float = CPU_LIMIT_S) -> Iterator[None]:
    """End what takes more of the processor's time."""

    def over(_signal: int, _frame: object) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    except TooLongError:
        # Without a traceback: to show what a bomb stands for would take as long.
        pytest.fail(f"it did not end within {seconds} s of the processor's time", pytrace=False)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


# -- layouts


@pytest.mark.parametrize("name", ["simple_api/Dockerfile", "simple_api/dockerfile"])
def test_the_usual_layout(name: str) -> None:
    found = seen({name: BUILD, COMPOSE: STACK, INDEX: "<?php", REGISTRY: STORE, BALANCER: CFG})
    assert found.sources == {
        DOCKERFILE: name, COMPOSE: COMPOSE, INDEX: INDEX, REGISTRY: REGISTRY, BALANCER: BALANCER,
    }  # fmt: skip
    assert found.targets["simple_api/student_age.py"] == "simple_api/student_age.py"
    assert found.options["build: what"].endswith("simple_api")


def test_an_api_folder_of_another_name_takes_the_given_files_with_it() -> None:
    found = seen({"api/Dockerfile": BUILD, "html/index.php": "<?php"})
    assert found.sources == {DOCKERFILE: "api/Dockerfile", INDEX: "html/index.php"}
    assert found.options["build: what"] == "api"
    assert found.targets["simple_api/student_age.py"] == "api/student_age.py"
    assert found.targets["simple_api/student_age.json"] == "api/student_age.json"
    assert found.targets[DOCKERFILE] == "api/Dockerfile"
    assert found.targets[INDEX] == "html/index.php"
    assert found.targets[COMPOSE] == COMPOSE


@pytest.mark.parametrize(
    "copy",
    [
        "COPY simple_api/student_age.py /",
        "COPY ./simple_api /app",
        "add --chown=1:1 simple_api/student_age.py simple_api/requirements.txt /",
        'COPY ["simple_api/student_age.py", "/"]',
        "COPY \\\n  simple_api/student_age.py \\\n  /",
        "COPY simple_api/*.py simple_api/requirements*.txt /",
        "ARG SRC=simple_api\nCOPY ${SRC}/student_age.py /",
    ],
)
@pytest.mark.parametrize("place", ["Dockerfile", "simple_api/Dockerfile"])
def test_a_dockerfile_that_copies_from_the_root_is_built_there(place: str, copy: str) -> None:
    found = seen({place: f"FROM python\n{copy}\n"})
    words = found.options["build: what"].split()
    assert words[-1] == "."
    assert words[:-1] == ([] if place == "Dockerfile" else ["-f", place])
    assert found.targets["simple_api/student_age.py"] == "simple_api/student_age.py"


def test_a_flat_folder_is_built_at_its_root() -> None:
    files = {"Dockerfile": BUILD, "student_age.py": "import flask"}
    assert seen(files).options["build: what"] == "."


def test_what_comes_from_another_stage_is_not_looked_for() -> None:
    text = "FROM python AS one\nFROM python\nCOPY --from=one /venv /venv\nCOPY . /\n"
    assert seen({"simple_api/Dockerfile": text}).options["build: what"] == "simple_api"


def test_the_websites_dockerfile_is_not_the_apis() -> None:
    found = seen({"website/Dockerfile": "FROM php:apache\n", "x/y/Dockerfile": BUILD})
    assert found.sources[DOCKERFILE] == "x/y/Dockerfile"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("front/Dockerfile", "FROM ubuntu\nRUN apt install apache2\nCOPY *.php /var/www/html/\n"),
        ("front/Dockerfile", "FROM debian:12\nADD ./html /var/www/html\n"),
        ("haproxy/Dockerfile", "FROM haproxy:2.8\nCOPY haproxy.cfg /usr/local/etc/haproxy/\n"),
        ("a/Dockerfile", "FROM docker.io/library/nginx:alpine\nCOPY default.conf /etc/nginx/\n"),
        ("a/Dockerfile", "FROM docker:27\nRUN apk add git\n"),
        ("Dockerfile.dockerignore", "*.pyc\n"), ("Dockerfile.png", "PNG"), ("Dockerfile~", BUILD),
        ("Dockerfile.md", "# How it is made\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("own", ["student/Dockerfile", "student/Containerfile", "x/api.dockerfile"])
def test_what_is_beside_is_not_the_apis_dockerfile(own: str, path: str, text: str) -> None:
    assert seen({own: BUILD, path: text, "x.txt": ""}).sources[DOCKERFILE] == own


def test_a_dockerfile_of_other_software_alone_is_none() -> None:
    found = seen({"lb/Dockerfile": "FROM haproxy:2.8\n", COMPOSE: STACK})
    assert DOCKERFILE not in found.sources
    # an API that lives where pages do
    own = "FROM alpine\nRUN apk add py3-pip\nCOPY . /var/www/html\nCMD python3 student_age.py\n"
    assert seen({"x/Dockerfile": own, "y": ""}).sources == {DOCKERFILE: "x/Dockerfile"}


def test_a_dockerfile_of_another_name_is_named_to_the_build() -> None:
    found = seen({"simple_api/Dockerfile.api": BUILD})
    assert found.options["build: what"] == "-f simple_api/Dockerfile.api simple_api"


def test_an_empty_file_is_a_missing_one() -> None:
    found = seen({DOCKERFILE: "\n", COMPOSE: "", INDEX: " ", BALANCER: "\n\n"})
    assert found.sources == {}


def test_one_folder_around_everything_is_taken_off() -> None:
    found = seen({"tp-ha/simple_api/Dockerfile": BUILD, "tp-ha/docker-compose.yml": STACK})
    assert found.sources == {DOCKERFILE: DOCKERFILE, COMPOSE: COMPOSE}
    assert set(found.files) == {DOCKERFILE, COMPOSE}


@pytest.mark.parametrize("path", [DOCKERFILE, BALANCER, INDEX, "api/Dockerfile"])
def test_a_folder_of_the_practical_is_none_around_everything(path: str) -> None:
    assert set(seen({path: "FROM x\nbackend b\n"}).files) == {path}


def test_a_file_beside_the_folder_keeps_it() -> None:
    assert "tp/docker-compose.yml" in seen({"tp/docker-compose.yml": STACK, "a.txt": ""}).files


# -- compose files


@pytest.mark.parametrize(
    "name",
    [
        "docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml",
        "Docker-Compose.YML", "docker-compose-prod.yml", "my-compose.yml", "stack.yml",
        "deploy/docker-compose.yml", "docker-compose (1).yml", "services.yml",
    ],
)  # fmt: skip
def test_a_stack_may_have_any_of_these_names(name: str) -> None:
    found = seen({name: STACK, "README.md": "Hello"})
    assert found.sources[COMPOSE] == name
    assert found.targets[COMPOSE] == name


@pytest.mark.parametrize("name", ["docker-compose.override.yml", "services.json", "compose.txt"])
def test_these_are_no_stack(name: str) -> None:
    assert COMPOSE not in seen({name: STACK, "README.md": "Hello"}).sources


def test_of_two_stacks_the_one_nearer_to_the_root() -> None:
    found = seen({"old/docker-compose.yml": STACK, "compose.yaml": STACK})
    assert found.sources[COMPOSE] == "compose.yaml"


def test_the_page_is_the_one_that_the_website_mounts() -> None:
    files = {COMPOSE: STACK.replace("./website", "./src/www"), "index.php": "<?php 1",
             "src/www/index.php": "<?php 2"}  # fmt: skip
    assert seen(files).sources[INDEX] == "src/www/index.php"


@pytest.mark.parametrize("source", ["../www", "/var/www", "./../../etc", "./gone"])
def test_a_mount_that_leads_out_of_the_submission_finds_no_page(source: str) -> None:
    files = {COMPOSE: STACK.replace("./website", source), "etc/index.php": "<?php"}
    assert seen(files).sources[INDEX] == "etc/index.php"  # the only one there is


BUILDING = """\
services:
  site: {image: "php:apache"}
  back:
    build: BUILD
    volumes: ["./data.json:/data/student_age.json"]
"""


@pytest.mark.parametrize(
    ("build", "source", "words"),
    [
        ("./back", "back/Dockerfile", "back"),
        ("back", "back/Dockerfile", "back"),
        ("{context: back}", "back/Dockerfile", "back"),
        ("{context: ., dockerfile: docker/Api.dockerfile}", "docker/Api.dockerfile",
         "-f docker/Api.dockerfile ."),
        ("{context: back, dockerfile: ../docker/Api.dockerfile}", "docker/Api.dockerfile",
         "-f docker/Api.dockerfile back"),
        ("{context: back, args: {V: '3.12'}, target: final}", "back/Dockerfile",
         "--target final --build-arg V=3.12 back"),
        ("{context: back, args: [V=3.12, UNSET]}", "back/Dockerfile",
         "--build-arg V=3.12 back"),
        ("{context: back, args: {V: 'a b; reboot'}}", "back/Dockerfile",
         "--build-arg 'V=a b; reboot' back"),
    ],
)  # fmt: skip
def test_a_compose_file_says_how_the_api_is_built(build: str, source: str, words: str) -> None:
    files = {"back/Dockerfile": BUILD, "docker/Api.dockerfile": BUILD, "simple_api/Dockerfile":
             BUILD, COMPOSE: BUILDING.replace("BUILD", build)}  # fmt: skip
    found = seen(files)
    assert found.sources[DOCKERFILE] == source
    assert found.options["build: what"] == words


def test_a_dockerfile_may_stand_in_the_compose_file() -> None:
    inline = "dockerfile_inline: |\n        FROM python:3\n        CMD $$X\n"
    build = f"\n      context: ../back\n      {inline}"
    stack = BUILDING.replace(" BUILD\n", build)
    found = seen({"tp/stack.yml": stack, "back/app.py": "x"})
    assert found.sources[DOCKERFILE] == "back/Dockerfile"
    assert found.files["back/Dockerfile"] == b"FROM python:3\nCMD $X\n"
    assert found.options["build: what"] == "back"
    assert "back/Dockerfile is what tp/stack.yml writes" in found.notes


def test_a_build_is_relative_to_its_compose_file() -> None:
    found = seen({"deploy/compose.yml": BUILDING.replace("BUILD", "../back"),
                  "back/Dockerfile": BUILD})  # fmt: skip
    assert found.options["build: what"] == "back"


@pytest.mark.parametrize(
    "build",
    [
        "../..", "/etc", "https://example.org/x.git", "{context: ., dockerfile: ../../x}",
        "{context: ./gone}", "{context: ., dockerfile: /etc/passwd}",
    ],
)  # fmt: skip
def test_a_build_outside_the_submission_is_not_followed(build: str) -> None:
    found = seen({COMPOSE: BUILDING.replace("BUILD", build), DOCKERFILE: BUILD})
    assert found.sources[DOCKERFILE] == DOCKERFILE
    assert ".." not in found.options["build: what"]
    assert not found.options["build: what"].startswith("/")


@pytest.mark.parametrize(
    "text",
    [
        "services: [a, b]", "services: text", "- a\n- b", "just text", "services:\n\tx: y",
        "services: {web: null}", "services: {web: text}", "services: {web: {volumes: 5}}",
        "services: {web: {ports: 5}}", "services: {web: {environment: 5}}", "{{ jinja }}",
        "a: &a [*a]", "services: &s {x: *s}", "? [x]\n: y", "x: 2024-99-99", "!!python/object:os.x",
        "[" * 5000, "\0", "services: {web: {image: {a: b}}}", "services: {web: {build: 5}}",
        "services: {php: {image: php, volumes: [{target: [a]}]}}", "---\na: 1\n---\nb: 2\n",
        "services: {1: {image: php}}", "services: {web: {image: 'php', environment: [1, null]}}",
    ],
)  # fmt: skip
def test_what_is_no_compose_file_is_still_the_students(text: str) -> None:
    """It goes to the machine, where Compose itself says what is wrong with it."""
    with quickly():
        found = seen({COMPOSE: text, "other.txt": "x"})
    assert found.sources[COMPOSE] == COMPOSE
    assert found.files[COMPOSE] == text.encode()


@pytest.mark.parametrize(
    "text", [b"\xff\xfe\x00\x01", b"\x80\x81", b"services: \x07", b"\xef\xbb\xbfservices:"]
)
def test_bytes_that_are_no_text_are_the_students_too(text: bytes) -> None:
    assert seen({COMPOSE: text, DOCKERFILE: text, BALANCER: text}).sources[COMPOSE] == COMPOSE


STRANGE = {
    "build args that are a number": BUILDING.replace("BUILD", "{context: ., args: 5}"),
    "a port of digits that are none": STACK.replace('"8080:80"', '"8080:²"'),
    "a port that is a list": STACK.replace('["8080:80"]', "[[80, 80]]"),
    "a build whose target is a list": BUILDING.replace("BUILD", "{context: ., target: [a]}"),
    "a number as an image": STACK.replace("student-age:1.0", "5"),
}


@pytest.mark.parametrize("case", STRANGE.values(), ids=STRANGE)
def test_strange_values_are_no_reason_to_fall(case: str) -> None:
    found = seen({COMPOSE: case, DOCKERFILE: BUILD, "Dockerfile": BUILD})
    assert found.sources[COMPOSE] == COMPOSE


def bomb(levels: int = 8, key: str = "") -> str:
    """Aliases of aliases: short to write, and without end to write out."""
    lines = ["x0: &x0 [a, a, a, a, a, a, a, a, a, a]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, levels)]
    value = f"*x{levels - 1}"
    last = f"services: {{web: {{image: php, {key}: {value}}}}}" if key else f"services: {value}"
    return "\n".join([*lines, last])


def merging_bomb() -> str:
    """Merges of merges: each level doubles the keys."""
    lines = ["x0: &x0 {a: 1}"]
    lines += [f"x{n}: &x{n} {{<<: [*x{n - 1}, *x{n - 1}]}}" for n in range(1, 30)]
    return "\n".join([*lines, "services: {web: {<<: *x29, image: php}}"])


BOMBS = {
    "services": bomb(),
    "environment": bomb(key="environment"),
    "volumes": bomb(key="volumes"),
    "ports": bomb(key="ports"),
    "image": bomb().replace("services: *x7", "services: {web: {image: *x7}}"),
    "args": bomb().partition("services")[0] + BUILDING.replace("BUILD", "{context: ., args: *x7}"),
    "merges": merging_bomb(),
    "a long text, often": "x0: &x0 " + "A=" * 20_000 + "\nservices: {web: {environment: ["
    + "*x0, " * 4000 + "]}}",
    "brackets, line by line": ("[" * 200 + "a," * 100 + "]" * 200 + "\n") * 20,
    "a long one": "services: {web: {image: php}}\n" + "# \n" * 500_000,
}  # fmt: skip


@pytest.mark.parametrize("case", BOMBS.values(), ids=BOMBS)
def test_a_bomb_of_aliases_is_short_work(case: str) -> None:
    with quickly():
        assert seen({COMPOSE: case, "Dockerfile": BUILD}).sources[COMPOSE] == COMPOSE


# -- texts made to keep a reader busy


LONG = {
    "blank lines in haproxy.cfg": {BALANCER: "\n" * 300_000 + "x"},
    "blank lines in a Dockerfile": {DOCKERFILE: "\n" * 300_000 + "x"},
    "one line in a log's configuration": {RSYSLOG: "haproxy" * 60_000},
    "blanks behind an address": {BALANCER: "bind x" + " " * 300_000 + "y"},
    "blanks in haproxy.cfg": {BALANCER: "backend b\n" + " " * 300_000 + "x"},
    "one line in a README": {"README.md": "docker run " + "a b " * 100_000},
    "continued lines": {"README.md": "docker run \\\n" * 50_000},
    "an address that never ends": {INDEX: "<?php " + "http://a" * 60_000},
    "a server line without end": {BALANCER: "backend b\nserver a" + " a" * 150_000},
    "a log line without end": {BALANCER: "backend b\nlog a" + " local" * 100_000},
    "blanks in a log line": {BALANCER: "backend b\nlog a" + " " * 300_000 + "x"},
    "a port without end": {BALANCER: "backend b\nbind :" + "9" * 300_000},
    "a Dockerfile that copies without end": {DOCKERFILE: "COPY" + " a/b" * 200_000},
}


@pytest.mark.parametrize("case", LONG.values(), ids=LONG)
def test_a_long_text_is_read_in_good_time(case: dict[str, str]) -> None:
    with quickly():
        seen({**case, "x": ""})


# -- the registry


def test_a_registry_in_a_file_of_its_own() -> None:
    found = seen({COMPOSE: STACK, "registry/compose.yml": STORE})
    assert found.sources[REGISTRY] == "registry/compose.yml"
    assert found.options["registry: folder"] == "registry"
    assert "registry: commands" not in found.options
    assert "compose: services" not in found.options


def test_a_registry_in_the_file_of_the_stack() -> None:
    both = STACK + STORE.replace("services:\n", "") + "  page: {image: 'joxit/docker-registry-ui'}"
    found = seen({COMPOSE: both})
    assert found.sources[REGISTRY] == found.sources[COMPOSE] == COMPOSE
    assert found.options["compose: services"] == "site back"
    assert found.options["registry: services"] == "store page"
    assert found.options["registry: folder"] == "."


def test_a_page_for_a_registry_is_no_registry() -> None:
    page = "services: {ui: {image: 'joxit/docker-registry-ui:latest'}}"
    assert seen({"ui/compose.yml": page, COMPOSE: STACK}).options.get("registry: folder") is None


HISTORY = """\
docker network create n
docker volume create v
docker pull registry:2
docker run --net n registry:2
docker push lb:5000/x
"""


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("docker run -d -p 5000:5000 registry:2", ["docker run -d -p 5000:5000 registry:2"]),
        ("    $ sudo docker run -d registry:2", ["docker run -d registry:2"]),
        ("`docker run -d registry:2`", ["docker run -d registry:2"]),
        ("* docker run registry # the store", ["docker run registry"]),
        ("docker run \\\n  -d \\\n  registry:2", ["docker run -d registry:2"]),
        ("docker run \\\r\n  -d \\\r\n  registry:2\r\n", ["docker run -d registry:2"]),
        ("docker run -v $(pwd)/certs:/certs registry:2",
         ["docker run -v /srv/registry/certs:/certs registry:2"]),
        ('docker run -v "$PWD"/a:/a -v `pwd`/b:/b -v ${PWD}/c:/c -v ~/d:/d registry:2',
         [f"docker run {' '.join(f'-v /srv/registry/{x}:/{x}' for x in 'abcd')} registry:2"]),
        (HISTORY,
         ["docker network create n", "docker volume create v", "docker run --net n registry:2"]),
        ("docker run -e 'A=b c' registry:2", ["docker run -e 'A=b c' registry:2"]),
        ("docker run -e 'A=b;c|d>e' -e B=<me> -e '' registry:2",
         ["docker run -e 'A=b;c|d>e' -e 'B=<me>' -e '' registry:2"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["README.md", "notes.txt", "registry.sh", "doc/README"])
def test_a_registry_by_documented_commands(name: str, text: str, commands: list[str]) -> None:
    found = seen({name: text, COMPOSE: STACK})
    assert found.options["registry: commands"].splitlines() == commands
    assert found.sources[REGISTRY] == name


def test_of_several_tries_of_a_container_the_last_counts() -> None:
    text = """\
docker run -d -p 5000:5000 --name r registry:2
docker rm -f r
docker run -d -p 5000:5000 --name r -v data:/var/lib/registry registry:2
docker run -d -p 8080:80 --name ui -e NGINX_PROXY_PASS_URL=http://r:5000 joxit/docker-registry-ui
docker run -d -p 8080:80 --name ui2 -e REGISTRY_URL=http://r:5000 joxit/docker-registry-ui
docker network create n
docker network connect n ui2
"""
    assert seen({"README.md": text}).options["registry: commands"].splitlines() == [
        text.splitlines()[number] for number in (2, 4, 5, 6)
    ]


@pytest.mark.parametrize(
    "more",
    ["; reboot", " && docker ps", " | tee log", " > /dev/null", " &", " 2>&1", " >>log", " ; 'x"],
)
def test_what_follows_a_documented_command_is_no_argument_of_it(more: str) -> None:
    found = seen({"README.md": f"docker run registry:2{more}\n"})
    assert found.options.get("registry: commands") in (None, "docker run registry:2")


@pytest.mark.parametrize(
    "text",
    ["docker run nginx", "Run the registry with docker run", "docker pull registry:2",
     "docker run 'registry:2", "docker compose up", "echo docker run registry:2"],
)  # fmt: skip
def test_these_are_no_commands_that_set_up_a_registry(text: str) -> None:
    found = seen({"README.md": text, COMPOSE: STACK})
    assert "registry: commands" not in found.options
    assert REGISTRY not in found.sources


def test_a_compose_file_counts_more_than_notes() -> None:
    found = seen({"README.md": "docker run registry:2", REGISTRY: STORE})
    assert "registry: commands" not in found.options
    assert found.sources[REGISTRY] == REGISTRY


# -- line ends


def test_line_ends_of_windows_are_changed_said_and_kept() -> None:
    windows = BUILD.replace("\n", "\r\n")
    found = seen({DOCKERFILE: windows, "logo.png": b"\x89PNG\r\n\0"})
    assert found.files == {DOCKERFILE: BUILD.encode(), "logo.png": b"\x89PNG\r\n\0"}
    assert found.original == {DOCKERFILE: windows.encode()}
    assert found.notes == ("Windows line endings were converted to those of Linux",)
    assert seen({DOCKERFILE: BUILD}).notes == ()


@pytest.mark.parametrize(
    "line",
    ["# syntax=docker/dockerfile:1", "#syntax = docker.io/docker/dockerfile:1.4  ",
     "# syntax=docker/dockerfile:1-labs", "# Syntax=127.0.0.1:5000/frontend", "// syntax=x",
     "# syntax=", "# syntax=x@sha256:0 and more"],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", "#!/usr/bin/x\n", "# check=skip=all\n", "\n# Mine.\n\n"])
def test_a_hostile_frontend_and_any_other_is_the_engines_own(line: str, before: str) -> None:
    """It is on the machines already, and no other is fetched; lines keep their numbers."""
    api, page = f"{before}{line}\n{BUILD}", f"{before}{line}\nFROM php\n"
    found = seen({DOCKERFILE: api, "website/Dockerfile": page})
    assert found.files[DOCKERFILE] == f"{before}#\n{BUILD}".encode()
    assert found.files["website/Dockerfile"] == f"{before}#\nFROM php\n".encode()
    assert found.original[DOCKERFILE] == api.encode()
    assert found.notes == tuple(
        f"{path}: the engine's own frontend reads it (# syntax=)"
        for path in (DOCKERFILE, "website/Dockerfile")
    )


@pytest.mark.parametrize("before", ["", "#!/usr/bin/x\n", "\n\t "])
def test_a_hostile_frontend_that_json_names_is_none(before: str) -> None:
    """BuildKit reads a whole Dockerfile as JSON as well; a comment before it ends that."""
    named = f'{before}{{"syntax": "127.0.0.1:5000/frontend"}}\n'
    found = seen({DOCKERFILE: named})
    assert found.files[DOCKERFILE] == f"#\n{named}".encode()
    assert len(found.notes) == 1


@pytest.mark.parametrize(
    "line", ["RUN echo '# syntax=docker/dockerfile:1'", "FROM x\n# syntax=docker/dockerfile:1",
             "# the syntax=is this"],
)  # fmt: skip
def test_a_line_that_names_no_frontend_is_left_as_it_was_written(line: str) -> None:
    found = seen({DOCKERFILE: f"{line}\n{BUILD}"})
    assert found.files[DOCKERFILE] == f"{line}\n{BUILD}".encode()
    assert found.notes == ()


# -- what may be executed


def test_what_may_be_executed_is_told_by_its_mode_or_its_first_line() -> None:
    files = {"tp/a.sh": b"#!/bin/sh\n", "tp/b": b"\x7fELF\0", "tp/c.txt": b"x"}
    assert recognise(files, REFERENCE, executable=["tp/b"]).executable == {"a.sh", "b"}


# -- the balancer


def servers(*addresses: str) -> str:
    lines = [f"  server s{n} {one} check" for n, one in enumerate(addresses)]
    return "\n".join(["backend my-backend", *lines, ""])


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (("192.168.56.11:80", "192.168.56.12:80"), ("web1:80", "web2:80")),
        (("192.168.56.11:8080", "192.168.56.12:8080"), ("web1:8080", "web2:8080")),
        (("srv-b.lan:80", "srv-a.lan:80"), ("web1:80", "web2:80")),
        (("10.0.0.1", "10.0.0.2"), ("web1", "web2")),
        (("10.0.0.1:80", "10.0.0.1:81"), ("web1:80", "web1:81")),
        (("10.0.0.1:80",), ("web1:80",)),
    ],
)  # fmt: skip
def test_two_foreign_hosts_become_the_labs(given: tuple[str, ...], made: tuple[str, ...]) -> None:
    found = seen({BALANCER: servers(*given)})
    assert found.files[BALANCER].decode() == servers(*made)
    assert found.original[BALANCER].decode() == servers(*given)
    assert len(found.notes) == len({one.partition(":")[0] for one in given})
    assert all(note.startswith("haproxy.cfg: ") for note in found.notes)


@pytest.mark.parametrize(
    "given",
    [
        ("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"),
        ("web1:80", "web2:80"),
        ("web1:80", "10.0.0.2:80"),
        ("web2:80", "wbe1:80"),
        ("127.0.0.1:80", "127.0.0.1:81"),
        ("localhost:8080", "10.0.0.2:80"),
        (),
    ],
)
def test_other_hosts_stay_as_they_are(given: tuple[str, ...]) -> None:
    found = seen({BALANCER: servers(*given)})
    assert found.files[BALANCER].decode() == servers(*given)
    assert found.notes == ()


def test_who_only_says_sorry_is_no_host_of_the_site() -> None:
    sorry = "  server sorry 127.0.0.1:8000 backup\n"
    made = seen({BALANCER: servers("10.0.0.1:80", "10.0.0.2:80") + sorry}).files[BALANCER]
    assert made.decode() == servers("web1:80", "web2:80") + sorry


@pytest.mark.parametrize(
    "given", [("[fd00::1]:80", "[fd00::2]:80"), ("fd00::1", "2001:db8::1"), ("[fd00:1::1]:8080",)]
)
def test_addresses_of_version_6_stay_as_they_are(given: tuple[str, ...]) -> None:
    found = seen({BALANCER: servers(*given)})
    assert found.files[BALANCER].decode() == servers(*given)
    assert COMPOSE not in found.fitted or "80:80" in found.fitted[COMPOSE].decode()


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("bind 10.0.0.9:80", "bind *:80"),
        ('bind "10.0.0.9:80" name x', 'bind "*:80" name x'),
        ("bind 10.0.0.9:80,10.0.0.8:8080", "bind *:80,*:8080"),
        ("bind 127.0.0.1:80,10.0.0.9:80", "bind 127.0.0.1:80,*:80"),
        ("log 10.0.0.9 local2", "log 127.0.0.1 local2"),
        ("log 10.0.0.9:514 local2", "log 127.0.0.1:514 local2"),
        ("source 10.0.0.9", "source 0.0.0.0"),
        ("source 10.0.0.9 interface eth1", "source 0.0.0.0"),
        ("bind *:80 interface ens160 name x", "bind *:80 name x"),
        ("bind *:80 interface lo", "bind *:80 interface lo"),
        ("bind *:80 # interface eth1", "bind *:80 # interface eth1"),
        ("server x web1:80 check source 0.0.0.0 interface eth1",
         "server x web1:80 check source 0.0.0.0"),
        ("stats socket 10.0.0.9:9999 level admin", "stats socket 127.0.0.1:9999 level admin"),
        ("stats socket ipv4@10.0.0.9:9999", "stats socket ipv4@127.0.0.1:9999"),
        ("stats socket /run/haproxy/a.sock", "stats socket /run/haproxy/a.sock"),
        ("peer lb 10.0.0.9:1024", "peer lb 127.0.0.1:1024"),
        ("peer other 10.0.0.8:1024", "peer other 10.0.0.8:1024"),
        ("log 10.0.0.1 local2", "log 10.0.0.1 local2"),
        ("bind 0.0.0.0:80", "bind 0.0.0.0:80"),
        ("# bind 10.0.0.9:80", "# bind 10.0.0.9:80"),
    ],
)  # fmt: skip
def test_an_address_of_the_balancers_own_is_all_of_lbs(given: str, made: str) -> None:
    """web1's is not: whoever logs there finds nothing on lb."""
    found = seen({BALANCER: servers("10.0.0.1:80", "10.0.0.2:80") + f"frontend x\n  {given}\n"})
    assert found.files[BALANCER].decode().endswith(f"frontend x\n  {made}\n")


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (('global\n  setenv W1 10.0.0.1\n  presetenv W2 "10.0.0.2:80"\nbackend my-backend\n'
         '  server a "${W1}:80" check\n  server b "$W2" check\n'),
         ('global\n  setenv W1 web1\n  presetenv W2 "web2:80"\nbackend my-backend\n'
         '  server a "${W1}:80" check\n  server b "$W2" check\n')),
        (('backend my-backend\n  server a "10.0.0.1:80" check addr 10.0.0.1\n'
         "  server 10.0.0.2 10.0.0.2:80 check\n"),
         ('backend my-backend\n  server a "web1:80" check addr web1\n'
         "  server 10.0.0.2 web2:80 check\n")),
    ],
)  # fmt: skip
def test_hosts_are_renamed_wherever_they_stand(given: str, made: str) -> None:
    assert seen({BALANCER: given}).files[BALANCER].decode() == made


def test_comments_and_defaults_are_no_servers() -> None:
    text = (
        servers("10.0.0.1:80", "10.0.0.2:80") + "# server old 10.0.0.9:80\ndefault-server check\n"
    )
    assert (
        b"# server old 10.0.0.9:80\ndefault-server check\n"
        in seen({BALANCER: text}).files[BALANCER]
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lb/haproxy.cfg", CFG), ("haproxy.cfg.txt", CFG), ("haproxy-lb.conf", CFG),
        ("my.cfg", "listen x\n"), ("haproxy.cfg", "global\n"), ("haproxy.cfg", "rubbish"),
    ],
)  # fmt: skip
def test_a_configuration_is_found_by_its_content_or_name(name: str, text: str) -> None:
    assert seen({name: text, "x.txt": ""}).sources == {BALANCER: name}


@pytest.mark.parametrize(
    "name", ["lb/lb.conf", "haproxy.txt", "haproxy", "etc/haproxy/config", "haproxy.ini"]
)
def test_a_configuration_of_any_name_begins_with_a_section(name: str) -> None:
    text = f"# mine\n\n{HEAD}{FRONT}{CFG}"
    assert seen({name: text, "x.txt": ""}).sources == {BALANCER: name}
    for other in (f"My file:\n{text}", "upstream x {\n server web1:80;\n}\n", "global:\n  x: 1\n"):
        assert not seen({name: other, "x.txt": ""}).sources


def test_a_template_is_no_configuration_until_it_is_filled_in() -> None:
    text = f"{HEAD}{FRONT}{CFG}"
    loop = "{% for web in groups['web'] %}\n  server {{ web }} {{ web }}:80\n{% endfor %}\n"
    assert not seen({"haproxy.cfg.j2": text + loop, "x.txt": ""}).sources
    assert seen({"haproxy.cfg.j2": text, "x.txt": ""}).sources == {BALANCER: "haproxy.cfg.j2"}


@pytest.mark.parametrize(
    "name", ["haproxy.orig.cfg", "haproxy.cfg.rpmsave", "haproxy-original.cfg"]
)
def test_what_the_package_had_is_a_copy(name: str) -> None:
    mine = f"{HEAD}{FRONT}{CFG}"
    package = "backend app\n  server app1 127.0.0.1:5001 check\n"
    for ours in ("haproxy.conf", "h.cfg", "lb.conf"):
        assert seen({ours: mine, name: package}).sources == {BALANCER: ours}
    assert seen({name: mine, "README.md": "x"}).sources == {BALANCER: name}


def test_files_that_the_balancer_names_on_another_machine_are_looked_for_here() -> None:
    text = f"{CFG}frontend f\n  bind :443 ssl crt /vagrant/certs/site.pem\n"
    found = seen({BALANCER: text, "x.txt": ""})
    assert b"ssl crt /etc/haproxy/site.pem\n" in found.files[BALANCER]
    assert found.notes == (f"{BALANCER}: /vagrant/certs/site.pem stands for /etc/haproxy/site.pem",)


HEAD = "global\n  log 127.0.0.1 local2\ndefaults\n  mode http\n"
FRONT = "frontend web\n  bind *:80\n  default_backend my-backend\n"
STATS = "listen stats\n  bind *:8404\n  stats enable\n"


@pytest.mark.parametrize(
    ("files", "order"),
    [
        ({"haproxy.cfg": HEAD, "conf.d/10-web.cfg": FRONT, "conf.d/20-pool.cfg": CFG},
         [HEAD, FRONT, CFG]),
        ({"lb/conf.d/00-all.cfg": HEAD, "lb/conf.d/10-web.cfg": FRONT + CFG,
          "lb/conf.d/20-stats.cfg": STATS}, [HEAD, FRONT + CFG, STATS]),
        ({"haproxy.cfg": HEAD + FRONT + CFG, "haproxy.d/stats.cfg": STATS},
         [HEAD + FRONT + CFG, STATS]),
        ({"lb/backend.cfg": CFG, "lb/frontend.cfg": FRONT, "lb/global.cfg": HEAD},
         [HEAD, CFG, FRONT]),
        ({"lb/a.cfg": HEAD.partition("defaults")[0], "lb/b.cfg": CFG, "lb/c.cfg": FRONT,
          "lb/d.conf": "defaults" + HEAD.partition("defaults")[2]},
         [HEAD.partition("defaults")[0], "defaults" + HEAD.partition("defaults")[2], CFG, FRONT]),
        ({"haproxy/haproxy.cfg": HEAD + FRONT + CFG, "haproxy/haproxy-stats.cfg": STATS,
          "haproxy/haproxy-old.cfg": HEAD + FRONT + CFG}, [HEAD + FRONT + CFG, STATS]),
        ({"haproxy/haproxy.cfg": HEAD + FRONT + CFG, "haproxy/haproxy-2.cfg": HEAD + STATS},
         [HEAD + FRONT + CFG]),
        ({"a.cfg": CFG, "x.cfg": HEAD + FRONT + CFG + STATS, "squid.conf": "cache deny all\n"},
         [HEAD + FRONT + CFG + STATS]),
        ({"tp1.cfg": HEAD + FRONT + CFG, "tp2.cfg": HEAD + FRONT + CFG + STATS},
         [HEAD + FRONT + CFG + STATS]),
    ],
)  # fmt: skip
def test_a_configuration_in_several_files_is_one(files: dict[str, str], order: list[str]) -> None:
    found = seen({**files, "README.md": "x"})
    assert found.files[found.sources[BALANCER]].decode().split() == "\n".join(order).split()
    assert len(found.notes) == (len(order) > 1)


def test_a_log_of_ones_own_is_found() -> None:
    files = {"49-haproxy.conf": "local0.* /var/log/haproxy.log\n", "x.conf": "haproxy\n"}
    assert seen(files).sources == {RSYSLOG: "49-haproxy.conf"}


@pytest.mark.parametrize(
    ("opens", "rule"),
    [
        ("etc/rsyslog.conf", "etc/rsyslog.d/49-haproxy.conf"),
        ("lb/rsyslog.d/10-udp.conf", "lb/rsyslog.d/49-haproxy.conf"),
        ("lb/rsyslog.d/10-udp.conf", "lb/rsyslog.conf"),
        ("udp.conf", "rsyslog-haproxy"),
    ],
)
def test_what_opens_the_log_is_read_before_the_rule(opens: str, rule: str) -> None:
    files = {opens: "$ModLoad imudp\n$UDPServerRun 514\n", rule: "local0.* /var/log/haproxy.log\n"}
    found = seen({**files, "x/README.md": "x"})
    assert found.sources == {RSYSLOG: rule}
    assert found.files[rule].decode() == files[opens] + files[rule]
    assert found.notes == (f"{opens} and {rule} are read as one file",)


@pytest.mark.parametrize(
    "name", ["rsyslog.txt", "haproxy-rsyslog.cfg", "etc/rsyslog.d/haproxy", "rsyslog.d/49.list"]
)
def test_rsyslogs_file_may_have_any_suffix_if_it_says_so_first(name: str) -> None:
    rule = "# mine\n$ModLoad imudp\nlocal0.* /var/log/haproxy.log\n"
    assert seen({name: rule, "x.txt": ""}).sources == {RSYSLOG: name}
    assert not seen({name: f"I typed:\n{rule}", "x.txt": ""}).sources


def test_of_a_whole_rsyslog_conf_counts_what_it_adds() -> None:
    text = "$IncludeConfig /etc/rsyslog.d/*.conf\n$ModLoad imudp\nlocal0.* /var/log/haproxy.log\n"
    found = seen({"rsyslog.conf": text, "x.txt": ""})
    assert found.files["rsyslog.conf"].split(b"\n", 1)[1].decode() == text.split("\n", 1)[1]
    assert found.notes == ("rsyslog.conf: what the system's own says already is left out",)


# -- references that fit


def test_the_page_is_fitted_to_the_name_of_the_service() -> None:
    page = seen({COMPOSE: STACK}).fitted[INDEX].decode()
    assert "'http://back:5000/pozos" in page
    assert "http://api:" not in page.replace("http://api:5000</", "")


def test_the_balancer_is_fitted_to_the_websites_port() -> None:
    fitted = seen({COMPOSE: STACK}).fitted
    for name in ("haproxy-11.cfg", "haproxy.cfg", "haproxy-hardened.cfg"):
        assert "server web1 web1:8080" in fitted[f"haproxy/{name}"].decode()
        assert "server web2 web2:8080" in fitted[f"haproxy/{name}"].decode()
    usual = STACK.replace("8080:80", "80:80")
    assert BALANCER not in seen({COMPOSE: usual}).fitted


def test_the_stack_is_fitted_to_the_port_that_the_balancer_asks() -> None:
    stack = yaml.safe_load(seen({BALANCER: servers("web1:8081", "web2:8081")}).fitted[COMPOSE])
    assert stack["services"]["website"]["ports"] == ["8081:80"]


def test_the_stack_is_fitted_to_the_name_that_the_page_asks() -> None:
    page = "<?php file_get_contents('http://flask.api:5000/pozos/api/v1.0/get_student_ages');"
    services = yaml.safe_load(seen({INDEX: page}).fitted[COMPOSE])["services"]
    assert set(services) == {"website", "flask.api"}
    assert services["website"]["depends_on"] == ["flask.api"]


@pytest.mark.parametrize("host", ["localhost", "api", "<api_ip_or_name"])
def test_a_page_that_asks_nobody_changes_no_name(host: str) -> None:
    page = f"<?php $x = 'http://{host}:5000/pozos/api/v1.0/get_student_ages';"
    assert set(yaml.safe_load(seen({INDEX: page}).fitted[COMPOSE])["services"]) == {
        "website", "api"
    }  # fmt: skip


@pytest.mark.parametrize(
    "line",
    ["log 127.0.0.1 local5", "log 127.0.0.1:514 local5 notice", "log /dev/log len 99 local5 info"],
)
def test_the_log_is_fitted_to_the_facility(line: str) -> None:
    fitted = seen({BALANCER: f"global\n  {line}\n{CFG}"}).fitted[RSYSLOG].decode()
    assert "local5.*" in fitted
    assert "local2" not in fitted


def test_nothing_is_fitted_where_nothing_is_filled() -> None:
    found = seen({COMPOSE: STACK}, fill=False)
    assert (found.fitted, found.fill) == ({}, False)


def test_the_reference_itself_is_recognised_as_it_is() -> None:
    files = {
        path.relative_to(REFERENCE).as_posix(): path.read_bytes()
        for path in REFERENCE.rglob("*")
        if path.is_file() and path.name not in ("haproxy-11.cfg", "haproxy-hardened.cfg")
    }
    found = recognise(files, REFERENCE)
    wanted = {one.path for step in COURSE.steps for one in step.artefacts}
    assert set(found.sources) == {*wanted, RSYSLOG}
    assert all(path == source for path, source in found.sources.items())
    assert found.notes == ()
    assert found.options == {"build: what": "simple_api", "registry: folder": "."}


def test_nothing_at_all_is_recognised_as_nothing() -> None:
    """An entry of the corpus may consist of its note alone."""
    assert recognise({}, REFERENCE).sources == {}


# -- the corpus


ENTRIES = sorted(path.parent for path in (ROOT / "tests" / "submissions").glob("*/*/expected.toml"))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: f"{one.parent.name}-{one.name}")
def test_every_entry_of_the_corpus_is_recognised(entry: Path) -> None:
    try:
        files = read_folder(entry).files
    except NothingToGradeError:
        assert entry.parent.name != "accepted"
        return
    with quickly():
        found = recognise(files, REFERENCE)
    assert set(found.sources.values()) <= set(found.files)
    assert not any(path.startswith(("/", "..")) for path in found.targets.values())
    if entry.parent.name == "accepted":
        steps = select(COURSE, str(tomllib.loads((entry / "expected.toml").read_text())["steps"]))
        assert set().union(*(COURSE.artefacts_of(step) for step in steps)) & set(found.sources)


# -- what strangers hand in


def test_files_that_compose_includes_are_one_project() -> None:
    found = seen(
        {
            "compose.yaml": "include:\n  - front/site.yml\n  - path: back/compose.yaml\n",
            "front/site.yml": "services:\n  w:\n    image: php:apache\n    volumes:\n"
            "    - ./html:/var/www/html\n",
            "front/html/index.php": "<?php",
            "back/compose.yaml": "services:\n  a:\n    build: .\n",
            "back/Dockerfile": "FROM python:3",
        }
    )
    assert found.sources["docker-compose.yml"] == "compose.yaml"
    assert found.sources["website/index.php"] == "front/html/index.php"
    assert found.sources["simple_api/Dockerfile"] == "back/Dockerfile"


def test_files_that_dotenv_names_are_one_project_and_compose_finds_it() -> None:
    files = {
        ".env": "COMPOSE_FILE=docker-compose.a.yml:docker-compose.b.yml\n",
        "docker-compose.a.yml": "services:\n  a:\n    image: student-age\n",
        "docker-compose.b.yml": "services:\n  w:\n    image: php:apache\n    depends_on: [a]\n",
    }
    found = seen(files)
    assert found.sources["docker-compose.yml"] == "docker-compose.a.yml"
    assert found.options["compose: by itself"] == "yes"


@pytest.mark.parametrize("value", ['!!int ""', "!!int", "!!bool maybe", "!!timestamp x", "1e999",
                                   "!!float .", "!!python/object/apply:os.system [x]"])  # fmt: skip
def test_hostile_values_of_yaml_are_read_or_not_and_break_nothing(value: str) -> None:
    """What is said of them is Compose's to say, on a machine."""
    seen({"docker-compose.yml": f"services:\n  a:\n    image: x\n    y: {value}\n"})


def test_rsyslogs_file_is_known_by_its_words_and_what_it_needs_goes_before() -> None:
    rule = "local2.* /var/log/haproxy.log\n"
    found = seen(
        {
            "haproxy.conf": "# /var/log/haproxy.log\nfrontend f\n bind :80\n"
            "backend b\n server a b:80\n",
            "logrotate.conf": "/var/log/haproxy.log {\n daily\n}\n",
            "rsyslog.d/10-udp.conf": 'module(load="imudp")\n',
            "rsyslog.d/49-x.conf": rule,
        }
    )
    assert found.sources["haproxy/haproxy.cfg"] == "haproxy.conf"
    assert found.sources["haproxy/rsyslog-haproxy.conf"] == "rsyslog.d/49-x.conf"
    assert found.files["rsyslog.d/49-x.conf"] == b'module(load="imudp")\n' + rule.encode()


@pytest.mark.parametrize(
    ("targets", "spared"),
    [(["127.0.0.1:514"], False), (["/dev/log"], True), (["/var/log/haproxy.log"], False),
     (["stdout"], False), ([], False),
     (["127.0.0.1", "/dev/log"], True)],
)  # fmt: skip
def test_who_logs_to_a_socket_needs_no_file_of_rsyslogs(targets: list[str], spared: bool) -> None:
    """The package's own rule is there; the reference's is not put beside it."""
    log = "".join(f" log {one} local0\n" for one in targets)
    found = seen({BALANCER: f"global\n{log}{CFG}"})
    assert (RSYSLOG in found.spared) is spared
    assert found.filled(RSYSLOG) is not spared
    assert not seen({"docker-compose.yml": STACK}).spared


def test_what_a_check_judges_is_brought_by_its_step() -> None:
    """Of its own step, which brings it beside."""
    judged = {one.spec.judges: one.step for one in read_checks(COURSE).values() if one.spec.judges}
    assert set(judged) == {RSYSLOG}
    for path, step in judged.items():
        assert path in {one.path for one in step.beside}


@pytest.mark.parametrize(
    ("beside", "is_ours"),
    [("", True), ("bind 10.0.0.9:80", True), ("bind *:80", True), ("bind 127.0.0.1:80", True),
     ("bind 10.0.0.7:80", False), ("log 127.0.0.1 local2", False), ("log /dev/log local0", False)],
)  # fmt: skip
def test_whose_log_it_is_is_told_by_what_the_file_says_of_itself(
    beside: str, is_ours: bool
) -> None:
    """Whoever logs to a third machine alone has no log on lb."""
    text = f"frontend x\n  {beside}\n  log 10.0.0.9:514 local2\n{servers('10.0.0.1', '10.0.0.2')}"
    made = seen({BALANCER: text}).files[BALANCER].decode()
    assert ("log 127.0.0.1:514 local2" in made) is is_ours
    assert ("log 10.0.0.9:514 local2" in made) is not is_ours


def test_addresses_of_a_strangers_machines_become_those_of_the_lab() -> None:
    text = (
        "global\n log 10.1.1.9:514 local2\nfrontend f\n bind 10.1.1.9:80\n default_backend b\n"
        "backend static\n server s 127.0.0.1:4331\n"
        "backend b\n server x 10.1.1.1:80\n server y 10.1.1.2:80\n"
    )
    said = seen({"haproxy.cfg": text}).files["haproxy.cfg"].decode()
    assert " bind *:80\n" in said
    assert " log 127.0.0.1:514 local2\n" in said
    assert " server x web1:80\n server y web2:80\n" in said
    assert " server s 127.0.0.1:4331\n" in said


def test_what_a_script_assigns_is_put_into_its_commands() -> None:
    script = (
        'NAME=reg\nPORT="5000"\ndocker run -d --name "$NAME" -p ${PORT}:5000 registry:${TAG:-2}\n'
    )
    commands = seen({"registry.sh": script}).options["registry: commands"]
    assert "--name reg -p 5000:5000" in commands


def test_what_a_script_reads_in_from_beside_is_put_into_its_commands() -> None:
    script = "source .env\ndocker run -d -p ${PORT}:5000 registry:2\n"
    found = seen({"lb/up.sh": script, "lb/.env": "PORT=5001\n", "README.md": "x"})
    assert found.options["registry: commands"] == "docker run -d -p 5001:5000 registry:2"


def test_what_notes_tell_and_a_script_does_is_done_once() -> None:
    net, run = "docker network create reg", "docker run -d -p 5000:5000 --net reg {} registry:2"
    script = f"{net}\n{run.format('--name store')}\n"
    page = "docker run -d -p 8080:80 --net reg joxit/docker-registry-ui"
    notes = f"{net}\n{run.format('')}\n{net}\n{run.format('--name store')}\n{page}\n"
    found = seen({"README.md": notes, "lb/registry.sh": script, "x": "x"})
    assert found.options["registry: commands"].split("\n") == [
        net, page, run.format("--name store")
    ]  # fmt: skip
    found = seen({"README.md": script, "lb/registry.sh": script})
    assert found.sources[REGISTRY] == "README.md"
    assert found.options["registry: commands"] == script.rstrip()


@pytest.mark.parametrize(
    ("given", "own", "made"),
    [("student-list_api", "networks: {api: {}}", "student-list_api"),
     ("pozos", "networks: {api: {name: pozos}}", "pozos"), ("tp_default", "", "tp_default"),
     ("elsewhere", "networks: {api: {}}", None),
     ("api", "networks: {api: {external: true}}", None)],
)  # fmt: skip
def test_a_network_of_the_stack_is_known_that_the_registry_joins(
    given: str, own: str, made: str | None
) -> None:
    store = f"{STORE}networks: {{net: {{external: true, name: {given}}}}}\n"
    found = seen({COMPOSE: f"{STACK}{own}\n", REGISTRY: store})
    assert found.options.get("registry: networks") == made


def test_a_password_that_the_registrys_image_makes_is_no_registry() -> None:
    made = "docker run --rm --entrypoint htpasswd registry:2.7.0 -Bbn a b > auth/htpasswd\n"
    run = "docker run -d -p 5000:5000 registry:2"
    assert seen({"README.md": f"{made}{run}\n"}).options["registry: commands"] == run
    assert "registry: commands" not in seen({"README.md": made}).options


def test_texts_of_windows_are_read() -> None:
    text = "services:\n  a:\n    image: student-age\n"
    for data in (text.encode("utf-16"), b"\xef\xbb\xbf" + text.encode()):
        assert seen({"docker-compose.yml": data}).files["docker-compose.yml"] == text.encode()


def test_a_copy_beside_is_not_the_file_that_counts() -> None:
    text = "services:\n  a:\n    image: student-age\n"
    files = {"docker-compose - Copie.yml": text, "docker-compose.yml": text}
    assert seen(files).sources["docker-compose.yml"] == "docker-compose.yml"


def test_what_notepad_saved_is_read_under_the_name_that_was_meant() -> None:
    texts = {COMPOSE: STACK, INDEX: "x"}
    saved = {f"{path}.txt": text for path, text in texts.items()}
    found = seen({**saved, "simple_api/requirements.txt": "flask"})
    assert dict(found.sources) == {path: path for path in texts}
    assert "simple_api/requirements.txt" in found.files
    assert f"{COMPOSE}.txt was read without its .txt" in found.notes
    both = seen({COMPOSE: STACK, f"{COMPOSE}.txt": "notes of mine"})
    assert both.files[COMPOSE] == STACK.encode()
    assert not both.notes


@pytest.mark.parametrize(
    "names", [("v1", "v2", "v10"), ("essai-1", "essai-2", "final"), ("v3", "final", "final2")]
)
def test_of_several_attempts_the_last_one_counts(names: tuple[str, ...]) -> None:
    texts = {DOCKERFILE: BUILD, COMPOSE: STACK, INDEX: "x"}
    found = seen({f"{name}/{path}": text for name in names for path, text in texts.items()})
    assert {path.partition("/")[0] for path in found.sources.values()} == {names[-1]}
    assert [note for note in found.notes if "attempts" in note] == [
        "of several attempts the last one counts: "
        + ", ".join(sorted(f"{names[-1]}/{path}" for path in texts))
        + f", not those of the same name in {', '.join(sorted(names[:-1]))}"
    ]


def test_a_file_of_one_attempt_alone_is_no_choice() -> None:
    found = seen({f"v1/{COMPOSE}": STACK, f"v2/{INDEX}": "x", "v2/README.md": "hello"})
    assert not [note for note in found.notes if "attempts" in note]


def test_a_stack_is_known_by_its_services_whatever_its_name() -> None:
    found = seen({"student-list.yml": STACK, "registre.yaml": f"# mine\n{STORE}"}).sources
    assert (found[COMPOSE], found[REGISTRY]) == ("student-list.yml", "registre.yaml")
    others = {
        ".gitlab-ci.yml": "services:\n  - docker:dind\n",
        "ci.yml": "jobs:\n  a:\n    services:\n      api: {image: student-age}\n",
    }
    assert not seen(others).sources


def test_what_a_stack_extends_is_not_the_stack() -> None:
    extending = "services:\n  api:\n    extends: {file: base.yml, service: api}\n"
    base = "services:\n  api: {image: student-age}\n"
    assert seen({COMPOSE: extending, "base.yml": base}).sources[COMPOSE] == COMPOSE


def test_a_stack_has_what_it_extends() -> None:
    base = (
        "services:\n  web:\n    image: php:apache\n    volumes: ['./html:/var/www/html']\n"
        "  flask:\n    build: ./api\n"
    )
    stack = (
        "services:\n  site:\n    extends: {file: common/docker-compose.base.yml, service: web}\n"
        "    ports: ['8081:80']\n"
        "  back:\n    extends: {file: common/docker-compose.base.yml, service: flask}\n"
    )
    found = seen({COMPOSE: stack, "common/docker-compose.base.yml": base, "index.php": "<?php 1",
                  "common/html/index.php": "<?php 2", "common/api/Dockerfile": BUILD})  # fmt: skip
    assert found.sources == {
        COMPOSE: COMPOSE, INDEX: "common/html/index.php", DOCKERFILE: "common/api/Dockerfile",
    }  # fmt: skip
    assert "server web1 web1:8081" in found.fitted["haproxy/haproxy.cfg"].decode()
    site = "  site:\n    extends: base\n    ports: ['8081:80']\n"
    own = f"services:\n  base: {{image: 'php:apache'}}\n{site}"
    fitted = seen({COMPOSE: own, "x": ""}).fitted["haproxy/haproxy.cfg"].decode()
    assert "server web1 web1:8081" in fitted
    assert seen({COMPOSE: stack, "x": ""}).sources == {COMPOSE: COMPOSE}  # it is not there


# -- paths of a student's own machine

ELSEWHERE = """\
services:
  site:
    image: php:apache
    volumes: ["/home/me/tp/website:/var/www/html"]
  back:
    build: /home/me/tp/simple_api
    volumes:
      - /home/me/tp/simple_api/student_age.json:/data/student_age.json
      - type: bind
        source: "/home/me/tp/website"
        target: /website
"""


@pytest.mark.parametrize(("folder", "up"), [("", "./"), ("stack/", "./../")])
def test_a_folder_of_another_machine_is_that_which_came_along(folder: str, up: str) -> None:
    found = seen({f"{folder}compose.yml": ELSEWHERE, INDEX: "<?php", DOCKERFILE: BUILD})
    text = found.files[f"{folder}compose.yml"].decode()
    assert text == ELSEWHERE.replace("/home/me/tp/", up)
    assert f"{folder}compose.yml: /home/me/tp/website stands for {up}website" in found.notes


@pytest.mark.parametrize("path", ["C:\\Users\\me\\tp\\website", "d:/tp/website"])
def test_a_folder_on_a_drive_of_windows_is_too(path: str) -> None:
    found = seen({COMPOSE: STACK.replace('"./website:/var/www/html"', f"'{path}:/var/www/html'"),
                  INDEX: "<?php"})  # fmt: skip
    assert (
        found.files[COMPOSE]
        == STACK.replace('"./website', "'./website").replace('html"', "html'").encode()
    )


@pytest.mark.parametrize("path", ["./Website", ".\\website", "./WEBSITE", "../TP/website"])
def test_a_folder_by_a_name_that_windows_finds_is_found(path: str) -> None:
    stack = STACK.replace('"./website:', f"'{path}:").replace('html"', "html'")
    found = seen({"tp/compose.yml": stack, "tp/website/index.php": "<?php", "x": "y"})
    assert found.files["tp/compose.yml"].decode() == stack.replace(path, "./website")
    assert found.sources[INDEX] == "tp/website/index.php"
    both = {"tp/Website/index.php": "<?php", "tp/compose.yml": stack, "tp/website/index.php": "?"}
    assert seen({**both, "x": "y"}).files["tp/compose.yml"] == stack.encode()


@pytest.mark.parametrize(
    "path", ["/website", "/home/me/other", "./website", "~/tp/website", "${PWD}/tp/website"]
)
def test_other_paths_stay_what_they_are(path: str) -> None:
    text = STACK.replace("./website", path)
    assert seen({COMPOSE: text, INDEX: "<?php"}).files[COMPOSE] == text.encode()


def test_a_path_that_is_also_one_in_a_container_stays() -> None:
    text = STACK + '    volumes: ["/x/website:/x/website"]\n'
    assert seen({COMPOSE: text, INDEX: "<?php"}).files[COMPOSE] == text.encode()


def test_the_api_that_is_tried_out_beside_is_no_part_of_the_registry() -> None:
    notes = """docker network create tp
docker run -d --network tp -v ${PWD}/student_age.json:/data/student_age.json -p 4000:5000 api:1
docker run -d -p 5000:5000 --name store --network tp registry:2
docker run -d --network tp -p 82:80 -e REGISTRY_URL=http://store:5000 joxit/docker-registry-ui:1.5
"""
    commands = seen({"README.md": notes}).options["registry: commands"].splitlines()
    assert [line.split()[-1] for line in commands] == [
        "tp", "registry:2", "joxit/docker-registry-ui:1.5",
    ]  # fmt: skip


# -- an application of a school's own

OWN = """@auth.get_password
def password(username):
    if username == "root":
        return "geheim"

@app.route("/school/get_student_ages")
def get_student_ages(): ...
"""


@pytest.mark.parametrize("path", ["simple_api/student_age.py", "api/app.py"])
def test_a_schools_application_is_that_of_its_script(path: str) -> None:
    files = {path: OWN.encode(), DOCKERFILE: BUILD.encode()}
    assert "build: application" not in recognise(files, REFERENCE).options
    found = recognise(files, REFERENCE, ReadingRules(as_found=True))
    assert found.options["build: application"] == "/school/get_student_ages\nroot\ngeheim"
    assert found.notes[-1].startswith(f"the application is that of {path}: /school")
    assert b"/school/get_student_ages" in found.fitted[INDEX]
    assert b'USERNAME: "root"' in found.fitted[COMPOSE]
    assert b'PASSWORD: "geheim"' in found.fitted[COMPOSE]


def test_without_a_script_it_is_as_given() -> None:
    found = recognise({DOCKERFILE: BUILD.encode()}, REFERENCE, ReadingRules(as_found=True))
    assert "build: application" not in found.options


# -- what stands in a README alone

README = """# My work

1. The image:

   ```dockerfile
   FROM python:3.8
   ```

   and then, since that did not run:

   ```Dockerfile
   # the API
   FROM python:3.12
   COPY student_age.py /
   ```

2. All together:

~~~yaml
services:
  back: {image: "student-age:1.0"}
  site: {image: php:apache, ports: ["8080:80"], volumes: ["./website:/var/www/html"]}
~~~

```yaml
services:
  store: {image: registry:2}
```

```console
$ docker compose up -d
```
"""


def test_what_stands_in_a_readme_alone_is_offered_and_does_not_count() -> None:
    found = seen({"README.md": README, INDEX: "<?php"})
    assert set(found.sources) == {INDEX}
    assert {one for one in found.notes if "--readme" in one} == {
        f"{path} stands in README.md alone; --readme lets it count"
        for path in (DOCKERFILE, COMPOSE, REGISTRY)
    }


def test_a_teacher_lets_it_count() -> None:
    found = seen({"README.md": README, INDEX: "<?php"}, documented=True)
    assert set(found.sources) == {DOCKERFILE, COMPOSE, REGISTRY, INDEX}
    # the last one, without what a list puts before it
    assert found.files[DOCKERFILE] == b"# the API\nFROM python:3.12\nCOPY student_age.py /\n"
    assert f"{COMPOSE} was found in README.md, not handed in as a file" in found.notes


def test_the_balancer_and_its_log_may_stand_in_a_readme() -> None:
    rules = "$ModLoad imudp\n$UDPServerRun 514\nlocal2.* /var/log/haproxy.log\n"
    text = f"# lb\n```\n{HEAD}{FRONT}{CFG}```\n```\nsudo haproxy -c\n```\n```conf\n{rules}```\n"
    assert seen({"README.md": text}, documented=True).sources == {
        BALANCER: BALANCER, RSYSLOG: RSYSLOG
    }  # fmt: skip
    assert len(seen({"README.md": text}).notes) == 2


@pytest.mark.parametrize("documented", [False, True])
def test_what_was_submitted_as_a_file_comes_before_a_readme(documented: bool) -> None:
    found = seen(
        {"README.md": README, INDEX: "<?php", "api/Dockerfile": BUILD, COMPOSE: STACK,
         REGISTRY: STORE},
        documented=documented,
    )  # fmt: skip
    assert found.sources[DOCKERFILE] == "api/Dockerfile"
    assert not [one for one in found.notes if "README" in one]


def test_an_empty_file_is_none() -> None:
    found = seen({"README.md": README, DOCKERFILE: " \n"}, documented=True)
    assert found.files[DOCKERFILE].startswith(b"# the API")


@pytest.mark.parametrize("indent", ["    ", "\t"])
def test_code_that_a_readme_only_indents_is_code_too(indent: str) -> None:
    lines = "".join(f"{indent}{line}\n" if line else "\n" for line in STACK.splitlines())
    text = f"# TP\n\nnano docker-compose.yml\n\n{lines}\nThen `docker compose up`.\n"
    found = seen({"README.md": text, INDEX: "<?php"}, documented=True)
    assert found.sources[COMPOSE] == COMPOSE
    assert found.files[COMPOSE].decode().strip() == STACK.strip()


def test_what_stands_between_fences_comes_before_what_is_only_indented() -> None:
    tried = STACK.replace("80:80", "8081:80")
    indented = "".join(f"    {line}\n" for line in tried.splitlines())
    for text in f"```\n{STACK}```\n\n{indented}", f"{indented}\n```\n{STACK}```\n":
        found = seen({"README.md": text, INDEX: "<?php"}, documented=True)
        assert found.files[COMPOSE].decode().strip() == STACK.strip()


@pytest.mark.parametrize("lines", ["    \n" * 20_000, "    a\n" * 15_000, "    a\n\n" * 12_000])
def test_much_that_is_indented_keeps_nobody_busy(lines: str) -> None:
    with quickly():
        assert not seen({"README.md": lines}).sources


def test_fences_that_are_never_closed_keep_nobody_busy() -> None:
    fences = "".join(f"{'`' * length}\n" for length in range(3, 1500))
    with quickly():
        assert not seen({"README.md": fences}).sources


PROD = "services:\n  site: {restart: always, ports: ['80:80']}\n  back: {restart: always}\n"
UP = "docker compose -f docker-compose.yml -f docker-compose.prod.yml up -d"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Makefile", f"up:\n\t{UP}\n"),
        ("deploy.sh", f"#!/bin/sh\nE=prod\n{UP.replace('prod', '$E')}\n"),
        ("docs/README.md", f"```\n$ {UP}\n```\n"),
        ("README", UP.replace("docker compose", "docker-compose").replace("-f ", "--file=")),
    ],
)
def test_files_that_compose_is_told_together_are_one_project(path: str, text: str) -> None:
    found = seen({COMPOSE: STACK, "docker-compose.prod.yml": PROD, path: text})
    assert found.sources[COMPOSE] == COMPOSE
    assert found.options["compose: options"] == "-f docker-compose.yml -f docker-compose.prod.yml"


@pytest.mark.parametrize(
    "text",
    [
        f"{UP}\ndocker compose up -d\n",
        UP.replace(" up -d", " down"),
        UP.replace("prod", "gone"),
        UP.replace("-f docker-compose.prod.yml", ""),
        UP.replace("prod", "registry"),
    ],
)
def test_files_that_are_not_started_together_are_not(text: str) -> None:
    """The registry's has a place of its own, whatever was typed once."""
    files = {"docker-compose.prod.yml": PROD, REGISTRY: STORE, "README.md": text}
    assert "compose: options" not in seen({COMPOSE: STACK, **files}).options


def test_variables_that_compose_is_told_of_are_known() -> None:
    stack = STACK.replace("8080", "${PORT:?}")
    files = {"tp/compose.yml": stack, "tp/config/prod.env": "PORT=8081", "tp/x/y": "z", "a": "b"}
    typed = "$ docker compose --env-file config/prod.env up -d\n"
    found = seen({**files, "tp/README.md": typed})
    assert found.options["compose: options"] == "--env-file=config/prod.env"
    assert "server web1 web1:8081" in found.fitted["haproxy/haproxy.cfg"].decode()
    assert (
        "compose: options"
        not in seen({**files, "tp/README.md": typed + "docker compose up"}).options
    )
    assert (
        "compose: options"
        not in seen({**files, "tp/README.md": typed.replace("prod", "x")}).options
    )


@pytest.mark.parametrize(
    "name", [".env.example", ".env.sample", "env.dist", ".env.txt", "env", "example.env"]
)
def test_what_is_to_be_copied_to_dotenv_stands_for_it(name: str) -> None:
    stack = STACK.replace("8080", "${PORT}")
    found = seen({f"tp/{COMPOSE}": stack, f"tp/{name}": "PORT=8081\n", "x": "y"})
    assert found.files["tp/.env"] == b"PORT=8081\n"
    assert f"tp/.env: tp/{name} stands for .env" in found.notes
    assert "server web1 web1:8081" in found.fitted["haproxy/haproxy.cfg"].decode()
    own = {f"tp/{COMPOSE}": stack, "tp/.env": "PORT=8082\n", f"tp/{name}": "PORT=8081\n", "x": "y"}
    assert seen(own).files["tp/.env"] == b"PORT=8082\n"
    assert "x/.env" not in seen({f"tp/{COMPOSE}": stack, f"x/{name}": "PORT=1"}).files


def test_of_two_usual_names_it_is_the_one_that_compose_takes() -> None:
    names = ("docker-compose.yaml", "docker-compose.yml", "compose.yml", "compose.yaml")
    for at in range(len(names)):
        files = dict.fromkeys(names[: at + 1], STACK)
        assert seen({**files, "x": ""}).sources[COMPOSE] == names[at]


def test_a_profile_that_hides_the_website_is_asked_for() -> None:
    stack = STACK.replace("  site:\n", "  site:\n    profiles: [front]\n")
    beside = "  debug: {image: adminer, profiles: [debug]}\n"
    assert seen({COMPOSE: stack + beside}).options["compose: options"] == "--profile=front"
    files = {COMPOSE: stack + beside, ".env": "COMPOSE_PROFILES=front"}
    assert "compose: options" not in seen(files).options


BY_HAND = """\
services:
  site: {image: "tp/site:1", ports: ["80:80"], environment: {USERNAME: toto, PASSWORD: python}}
  back: {image: student-age}
"""


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"website/Dockerfile": "FROM php:apache\nCOPY index.php /var/www/html/\n"}, "website"),
        ({"website/Dockerfile": "FROM php:apache\nCOPY website/ /var/www/html/\n"},
         "-f website/Dockerfile ."),
        ({"Dockerfile.web": "ARG B=php:apache\nFROM $B\n"}, "-f Dockerfile.web ."),
        ({}, ""),
    ],
)  # fmt: skip
def test_a_website_that_was_built_by_hand_is_built_here(files: dict[str, str], words: str) -> None:
    found = seen({COMPOSE: BY_HAND, DOCKERFILE: BUILD, INDEX: "<?php", **files})
    assert found.options.get("deploy: website", "") == words
    public = BY_HAND.replace("tp/site:1", "php:8-apache")
    assert "deploy: website" not in seen({COMPOSE: public, **files}).options


PAGE_FILE = "services:\n  ui:\n    image: joxit/docker-registry-ui:2\n    ports: ['8080:80']\n"


@pytest.mark.parametrize(
    "path", ["docker-compose-ui.yml", "registry-ui/docker-compose.yml", "registry/ui.yml"]
)
def test_a_page_for_the_registry_may_have_a_file_of_its_own(path: str) -> None:
    found = seen({COMPOSE: STACK, "registry/docker-compose.yml": STORE, path: PAGE_FILE})
    assert found.sources[REGISTRY] == "registry/docker-compose.yml"
    assert found.sources[COMPOSE] == COMPOSE
    assert found.options["registry: page"] == path


def test_a_registry_with_a_page_needs_no_other() -> None:
    both = STORE + PAGE_FILE.removeprefix("services:\n")
    found = seen({COMPOSE: STACK, REGISTRY: both, "old/ui.yml": PAGE_FILE})
    assert "registry: page" not in found.options
    assert "registry: page" not in seen({COMPOSE: STACK, "ui/compose.yml": PAGE_FILE}).options


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("NGINX_PROXY_PASS_URL: http://192.168.56.10:5000", "192.168.56.10"),
        ("REGISTRY_URL: 'https://10.0.0.9'", "10.0.0.9"),
        ("NGINX_PROXY_PASS_URL: http://127.0.0.1:5000", None),
        ("NGINX_PROXY_PASS_URL: http://registry:5000", None),
    ],
)
def test_addresses_by_which_the_registry_is_asked_are_known(
    text: str, addresses: str | None
) -> None:
    page = f"{PAGE_FILE}    environment:\n      {text}\n".removeprefix("services:\n")
    found = seen({COMPOSE: STACK, REGISTRY: STORE + page})
    assert found.options.get("registry: addresses") == addresses
    typed = f"docker run -d registry:2\ndocker run -d -e {text.replace(': ', '=', 1)} registry-ui\n"
    found = seen({COMPOSE: STACK, "lb/README.md": typed})
    assert found.options.get("registry: addresses") == addresses
    assert found.options["registry: folder"] == "lb"


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ('- "192.168.56.11:8080:80"', '- "0.0.0.0:8080:80"'),
        ("- 192.168.56.11:8080:80", "- 0.0.0.0:8080:80"),
        ("- {target: 80}\n      - target: 81\n        host_ip: 10.0.0.9",
         "- {target: 80}\n      - target: 81\n        host_ip: 0.0.0.0"),
        ('- "127.0.0.1:8080:80"', None),
        ('- "0.0.0.0:8080:80"', None),
        ('- "8080:80"', None),
    ],
)  # fmt: skip
def test_a_port_is_published_by_any_address_that_the_machine_has(
    given: str, made: str | None
) -> None:
    stack = STACK.replace('["8080:80"]', f"\n      {given}")
    found = seen({COMPOSE: stack})
    assert found.files[COMPOSE].decode() == (stack.replace(given, made) if made else stack)
    assert len(found.notes) == bool(made)


def test_settings_that_a_script_writes_are_no_part_of_the_work() -> None:
    script = "cat > ~/.zshrc <<EOF\nplugins=(git)\nEOF\ncat > .env <<EOF\nPORT=1\nEOF\n"
    found = seen({"tp/install.sh": script, "x": "x"})
    assert found.notes == ("tp/.env is what tp/install.sh writes",)
    assert "tp/.zshrc" not in found.files


def test_a_stack_with_its_registry_comes_before_another_project_without_one() -> None:
    """Beside the practical lies one on logs; its file is nearer and has no registry."""
    logs = "services:\n  es: {image: elasticsearch:8.1.0}\n  collect: {build: ./fluentd}\n"
    both = STACK + "  store: {image: registry:2, ports: ['5001:5000']}\n"
    files = {"efk/docker-compose.yaml": logs, "efk/fluentd/Dockerfile": "FROM fluentd\n"}
    found = seen({**files, "tp/simple_api/docker-compose.yml": both, "x": "x"})
    own = "tp/simple_api/docker-compose.yml"
    assert (found.sources[COMPOSE], found.sources[REGISTRY]) == (own, own)
    assert seen({**files, "x": "x"}).sources[COMPOSE] == "efk/docker-compose.yaml"


def test_what_a_script_writes_is_handed_in() -> None:
    script = (
        f"#!/bin/sh\ncat > docker-compose.yml <<'EOF'\n{STACK}EOF\n"
        f"sudo tee /etc/haproxy/haproxy.cfg >/dev/null <<EOF\n{CFG}EOF\n"
        "cat > ../../x <<EOF\nx\nEOF\n"
    )
    found = seen({"tp/install.sh": script, "README.md": "x"})
    assert found.sources == {COMPOSE: "tp/docker-compose.yml", BALANCER: "tp/haproxy.cfg"}
    assert found.files["tp/haproxy.cfg"].decode() == CFG
    assert found.notes == (
        "tp/docker-compose.yml is what tp/install.sh writes",
        "tp/haproxy.cfg is what tp/install.sh writes",
    )
    own = seen({"tp/install.sh": script, "tp/haproxy.cfg": CFG + "# mine\n", "x": "x"})
    assert own.files["tp/haproxy.cfg"].decode() == CFG + "# mine\n"
