"""Compose files: which one is the stack, which one the registry, and nonsense."""

from __future__ import annotations

import json

import pytest

from labkit.facts.compose.written import as_yaml
from tests.unit.steps.recognition.given import (
    BALANCER,
    BUILD,
    COMPOSE,
    DOCKERFILE,
    INDEX,
    REGISTRY,
    STACK,
    STORE,
    quickly,
    seen,
)


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


OWN_OF_WEB2, BUILT_ON_WEB2 = "second-server: files", "second-server: builds"
PULLED = STACK.replace("student-age:1.0", "lb:5000/student-age:1.0")
BUILT = STACK.replace("image: student-age:1.0", "build: ./api\n    image: student-age:web2")
NAMELESS = STACK.replace("image: student-age:1.0", "build: ./api")
OVERLAY = "services:\n  back:\n    image: lb:5000/student-age:1.0\n"
UP_BOTH = "docker compose -f docker-compose.yml -f docker-compose.web2.yml up -d\n"


@pytest.mark.parametrize(
    ("files", "own", "built"),
    [
        ({"web1/compose.yml": STACK, "web2/compose.yml": PULLED}, "web2/compose.yml", False),
        ({COMPOSE: STACK, "docker-compose-serveur2.yml": PULLED}, "docker-compose-serveur2.yml",
         False),
        ({COMPOSE: STACK, "docker-compose.web2.yml": OVERLAY, "README.md": UP_BOTH},
         f"{COMPOSE} docker-compose.web2.yml", False),
        ({COMPOSE: STACK, "compose-web2.yml": BUILT,
          "README.md": "docker compose -f compose-web2.yml up -d --build\n"},
         "compose-web2.yml", True),
        ({COMPOSE: STACK, "compose-web2.yml": BUILT}, "compose-web2.yml", False),
        ({COMPOSE: STACK, "web2/docker-compose.yml": NAMELESS}, "web2/docker-compose.yml", True),
    ],
)  # fmt: skip
def test_web2_may_have_compose_files_of_its_own(
    files: dict[str, str], own: str, built: bool
) -> None:
    found = seen({"README.md": "x", **files})
    assert found.options[OWN_OF_WEB2] == own
    assert (BUILT_ON_WEB2 in found.options) is built
    assert f"web2 starts its own {own.replace(' ', ' + ')}" in found.notes
    assert "web2" not in found.sources[COMPOSE]
    assert "compose: options" not in found.options
    assert not [note for note in found.notes if "could be meant" in note]


@pytest.mark.parametrize(
    "files",
    [
        {COMPOSE: STACK},
        {"web2/docker-compose.yml": STACK},
        {COMPOSE: STACK, "docker-compose.prod.yml": PULLED},
        {COMPOSE: STACK, "server2/docker-compose.yml": STORE},
        {COMPOSE: STACK, "web2/docker-compose.yml": "services: ["},
        {COMPOSE: STACK, "web2/compose.yml": "services:\n  x:\n    image: nginx\n"},
        {COMPOSE: STACK, "web20/docker-compose.yml": PULLED},
    ],
)
def test_no_other_file_is_web2s_own(files: dict[str, str]) -> None:
    assert OWN_OF_WEB2 not in seen({"README.md": "x", **files}).options


def test_what_lay_elsewhere_on_the_students_machine_is_found_for_web2_as_well() -> None:
    moved = PULLED.replace("./website", "/home/me/tp/website").replace("8080", "10.1.2.3:8080")
    found = seen({COMPOSE: STACK, "web2/compose.yml": moved, "website/index.php": "<?php"})
    text = found.files["web2/compose.yml"].decode()
    assert "../website:" in text
    assert "0.0.0.0:8080" in text


EXTERNAL = STACK + "networks:\n  own:\n    external: true\n    name: appnet\n"


@pytest.mark.parametrize(
    ("notes", "made"),
    [
        ("    docker network create --driver bridge appnet\n", "appnet"),
        ("docker network create other\n", None),
        ("The network appnet is there already.\n", None),
    ],
)
def test_a_network_that_notes_make_is_made(notes: str, made: str | None) -> None:
    found = seen({COMPOSE: EXTERNAL, "README.md": notes})
    assert found.options.get("deploy: networks") == made
    own = EXTERNAL.replace("    external: true\n", "")
    assert "deploy: networks" not in seen({COMPOSE: own, "README.md": notes}).options


def test_a_registry_without_a_port_comes_after_one_that_has_some() -> None:
    hidden = "services:\n  store:\n    image: registry:2\n  proxy:\n    image: traefik\n"
    files = {"registre/4-traefik/compose.yml": hidden, "registre/5-kept/compose.yml": STORE}
    assert seen({**files, "README.md": "x"}).sources[REGISTRY] == "registre/5-kept/compose.yml"
    alone = {"registre/4-traefik/compose.yml": hidden, "README.md": "x"}
    assert seen(alone).sources[REGISTRY] == "registre/4-traefik/compose.yml"


@pytest.mark.parametrize("name", ["web2/docker-compose.yml", "docker-compose.yml"])
def test_the_digest_of_what_a_student_had_pushed_is_left_out(name: str) -> None:
    pinned = "lb:5000/student-age:1.0@sha256:" + "0a" * 32
    php = "php:apache@sha256:" + "0b" * 32
    text = STACK.replace("student-age:1.0", pinned).replace("php:apache", php)
    found = seen({COMPOSE: STACK, name: text, "README.md": "x"})
    read = found.files[name].decode()
    assert "image: lb:5000/student-age:1.0\n" in read
    assert php in read
    assert f"{name}: {pinned} stands for lb:5000/student-age:1.0" in found.notes


def test_web2_may_have_the_website_alone() -> None:
    alone = STACK.partition("  back:")[0]
    found = seen({COMPOSE: STACK, "docker-compose-web2.yml": alone, "README.md": "x"})
    assert found.options[OWN_OF_WEB2] == "docker-compose-web2.yml"


ANY_IMAGE = STACK.replace("student-age:1.0", "${IMAGE}")
ENVIRONMENTS = {
    "compose/web.yml": ANY_IMAGE, "compose/store.yml": STORE.replace("registry:2", "${STORE}"),
    "env/all.env": "IMAGE=student-age:1.0\n", "env/web2.env": "IMAGE=lb:5000/student-age:1.0\n",
    "env/lb.env": "STORE=registry:2\n",
    "README.md": "docker compose --env-file env/all.env -f compose/web.yml up -d\n"
    "docker compose --env-file env/lb.env -f compose/store.yml up -d\n"
    "docker compose --env-file env/all.env --env-file env/web2.env -f compose/web.yml up -d\n",
}  # fmt: skip


def test_each_machine_is_told_of_its_own_variables() -> None:
    found = seen(ENVIRONMENTS)
    assert found.sources[COMPOSE] == "compose/web.yml"
    assert found.sources[REGISTRY] == "compose/store.yml"
    assert found.options["compose: options"] == "--env-file=../env/all.env"
    assert found.options["registry: values"] == "env/lb.env"
    assert found.options["second-server: options"] == (
        "--env-file=../env/all.env --env-file=../env/web2.env"
    )


@pytest.mark.parametrize(
    ("notes", "names"),
    [
        ("docker push lb:5000/student-age:1.0\n", "student-age:1.0"),
        ("docker image push lb:5000/tp/student-age\ndocker push lb:5000/student-age:2\n",
         "tp/student-age student-age:2"),
        ("docker push $REG/student-age:$TAG\n", "m2/student-age:1.1"),
        ("docker push lb:5000/nginx\n", "m2/student-age:1.1"),
        ("docker push student-age:1.0\n", "m2/student-age:1.1"),
        ("docker compose push\n", "m2/student-age:1.1"),
    ],
)  # fmt: skip
def test_the_image_is_pushed_as_notes_say_or_as_files_ask_for_it(notes: str, names: str) -> None:
    own = PULLED.replace("student-age:1.0", "m2/student-age:1.1")
    found = seen({COMPOSE: STACK, "web2/compose.yml": own, "README.md": notes})
    assert found.options["second-server: pushed"] == names


SITE_OF_WEB2 = PULLED.replace("php:apache", "lb:5000/site:1")


@pytest.mark.parametrize(
    ("own", "notes", "name"),
    [
        (SITE_OF_WEB2, "", "site:1"),
        (SITE_OF_WEB2, "docker push lb:5000/site:1\n", "site:1"),
        (SITE_OF_WEB2, "docker push lb:5000/student-age:1.0\n", "site:1"),
        (SITE_OF_WEB2, "docker push lb:5000/$NAME\n", "site:1"),
        (SITE_OF_WEB2, "docker push lb:5000/site:2\n", ""),
        (SITE_OF_WEB2.replace("lb:5000/", ""), "", ""),
        (PULLED.replace("php:apache", "lb:5000/php:apache"), "", "php:apache"),
        (PULLED, "", ""),
    ],
)
def test_the_websites_image_is_pushed_where_web2_asks_for_it(
    own: str, notes: str, name: str
) -> None:
    files = {COMPOSE: STACK, "web2/compose.yml": own, "README.md": notes or "x"}
    assert seen(files).options.get("second-server: website pushed", "") == name


def test_web2s_own_building_of_the_website_needs_no_push() -> None:
    own = SITE_OF_WEB2.replace("image: lb:5000/site:1", "image: lb:5000/site:1\n    build: web")
    assert "build: web" in own
    files = {COMPOSE: STACK, "web2/compose.yml": own, "web/Dockerfile": "FROM php\n"}
    assert "second-server: website pushed" not in seen(files).options


def test_an_image_of_no_registry_is_pushed_as_usual() -> None:
    assert "second-server: pushed" not in seen({COMPOSE: STACK, "x": "x"}).options
    found = seen({COMPOSE: PULLED, "x": "x"})
    assert found.options["second-server: pushed"] == "student-age:1.0"


def test_a_network_that_services_join_by_their_mode_is_made_by_hand() -> None:
    joined = STACK.replace("image:", "network_mode: tp-net\n    image:")
    made = "docker network create tp-net --driver=bridge\n"
    found = seen({COMPOSE: joined, "README.md": made})
    assert found.options["deploy: networks"] == "tp-net"
    assert "deploy: networks" not in seen({COMPOSE: joined, "README.md": "x"}).options
    host = STACK.replace("image:", "network_mode: host\n    image:")
    assert "deploy: networks" not in seen({COMPOSE: host, "README.md": made}).options


def test_compose_may_be_told_the_folder_that_paths_are_taken_from() -> None:
    up = "docker compose --project-directory . -f docker/compose.yml up -d\n"
    files = {"docker/compose.yml": STACK, "website/index.php": "<?php", "x/y": "z"}
    found = seen({**files, "README.md": up})
    assert found.options["compose: options"] == "--project-directory=.."
    assert found.sources[INDEX] == "website/index.php"
    assert "compose: options" not in seen({**files, "README.md": "x"}).options


def test_a_stack_may_be_written_as_json() -> None:
    stack = json.dumps(as_yaml(STACK.encode()))
    found = seen({"docker-compose.json": stack, "package.json": "{}", "README.md": "x"})
    assert found.sources[COMPOSE] == "docker-compose.json"


@pytest.mark.parametrize("separator", [":", ";", ","])
def test_files_of_dotenv_are_parted_by_the_sign_that_it_names(separator: str) -> None:
    page, api = STACK.split("  back:")
    named = f"COMPOSE_FILE=a.yml{separator}b.yml\n"
    own = "" if separator == ":" else f"COMPOSE_PATH_SEPARATOR={separator}\n"
    found = seen(
        {"a.yml": page, "b.yml": f"services:\n  back:{api}", ".env": own + named, "x": "x"}
    )
    assert found.sources[COMPOSE] == "a.yml"
    assert found.options["compose: by itself"] == "yes"
