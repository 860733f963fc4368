"""What strangers hand in."""

from __future__ import annotations

import pytest

from labkit.grading.explain import read_checks
from tests.unit.steps.recognition.given import (
    BALANCER,
    BUILD,
    CFG,
    COMPOSE,
    COURSE,
    DOCKERFILE,
    FRONT,
    HEAD,
    INDEX,
    REGISTRY,
    RSYSLOG,
    STACK,
    STORE,
    seen,
    servers,
)


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
    "names",
    [
        ("v1", "v2", "v10"),
        ("essai-1", "essai-2", "final"),
        ("v3", "final", "final2"),
        ("Version_1.9", "Version_1.10", "Version_2.0"),
        ("v3.1", "rendu", "v1.0-FINALE"),
        ("v1.9", "v1.10"),
    ],
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
    assert not [note for note in found.notes if "could be meant" in note]


def test_a_file_of_one_attempt_alone_is_no_choice() -> None:
    found = seen({f"v1/{COMPOSE}": STACK, f"v2/{INDEX}": "x", "v2/README.md": "hello"})
    assert not [note for note in found.notes if "attempts" in note]


BALANCING = HEAD + FRONT + CFG
RIVALS = {
    DOCKERFILE: (BUILD, "old/Dockerfile"),
    COMPOSE: (STACK, "tp3/docker-compose.yml"),
    INDEX: ("x", "docs/index.php"),
    REGISTRY: (STORE, "tp3/docker-compose-registry.yml"),
    BALANCER: (BALANCING, "tp5/haproxy.cfg"),
}


@pytest.mark.parametrize("counting", RIVALS)
def test_which_of_several_counts_is_said(counting: str) -> None:
    text, other = RIVALS[counting]
    alone = seen({counting: text})
    both = seen({counting: text, other: text})
    assert counting in both.sources.values()
    said = f"several files could be meant: {counting} counts, not {other}"
    assert [note for note in both.notes if note not in alone.notes] == [said]


def test_of_many_that_do_not_count_a_few_are_named() -> None:
    found = seen({BALANCER: BALANCING, **{f"tp{n}/haproxy.cfg": BALANCING for n in range(6)}})
    assert (
        f"several files could be meant: {BALANCER} counts, not "
        + ", ".join([*(f"tp{n}/haproxy.cfg" for n in range(4)), "…"])
        in found.notes
    )


def test_what_is_read_as_well_or_is_another_thing_does_not_stand_back() -> None:
    found = seen(
        {
            "haproxy/conf.d/1.cfg": HEAD + FRONT,
            "haproxy/conf.d/2.cfg": CFG,
            "haproxy/conf.d/3.cfg": "backend spare\n  server c web1:81 check\n",
            DOCKERFILE: BUILD,
            "website/Dockerfile": "FROM php:apache\nCOPY index.php /var/www/html/\n",
            COMPOSE: STACK,
            REGISTRY: STORE,
            "page/docker-compose.yml": STORE + "  ui: {image: joxit/docker-registry-ui}\n",
        }
    )
    assert not [note for note in found.notes if "could be meant" in note]


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


@pytest.mark.parametrize("folder", ["Archives", "archive", "old", "obsolete", "v0/Archives"])
def test_what_is_kept_in_an_archive_does_not_count(folder: str) -> None:
    texts = {DOCKERFILE: BUILD, COMPOSE: STACK, INDEX: "x"}
    files = {f"{place}/{path}": text for place in (folder, "z/livrables/rendu")
             for path, text in texts.items()}  # fmt: skip
    found = seen(files)
    assert all(path.startswith("z/") for path in found.sources.values())
