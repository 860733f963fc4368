"""The registry, by a compose file or by commands that are told."""

from __future__ import annotations

import html
import io
import zipfile

import pytest

from tests.unit.steps.recognition.given import (
    COMPOSE,
    REGISTRY,
    STACK,
    STORE,
    seen,
)


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


def report(*paragraphs: str) -> bytes:
    """A document of Word's."""
    made = io.BytesIO()
    text = "".join(f"<w:p><w:r><w:t>{html.escape(one)}</w:t></w:r></w:p>" for one in paragraphs)
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("word/document.xml", f"<w:document>{text}</w:document>")
    return made.getvalue()


def test_the_commands_of_a_report_are_read() -> None:
    run = "docker run -d -p 5000:5000 --name registry registry:2"
    page = f"<html><body><p>On lb: </p><p>{run.replace(' -p', chr(10) + '-p')}</p></body></html>"
    for name, data in (("Rapport TP.docx", report("On lb:", run)), ("rapport.html", page.encode())):
        found = seen({name: data, "x/notes.txt": "x"})
        assert found.sources[REGISTRY] == f"{name}.txt"
        assert found.options["registry: commands"] == run
        assert found.notes == (f"{name} was read as a text, for the commands in it",)
        assert (name in found.files) is name.endswith(".html")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("website/index.html", b"<p>A list of students</p>"),
        ("Rapport.docx", report("Docker is a container engine.")),
        ("Rapport.docx", b"PK"),
    ],
)
def test_a_page_or_a_report_without_commands_is_left_as_it_is(name: str, data: bytes) -> None:
    found = seen({name: data, "x/notes.txt": "x"})
    assert found.files[name] == data
    assert f"{name}.txt" not in found.files
    assert found.notes == ()


ALONE = "docker run -d -p 5000:5000 registry:2\n"
UI = "services:\n  ui:\n    image: joxit/docker-registry-ui:2\n    ports: ['8080:80']\n"


@pytest.mark.parametrize(
    ("notes", "page"),
    [
        (ALONE, "code/page.yml"),
        (f"{ALONE}docker run -d -p 8080:80 -e X=registry joxit/docker-registry-ui\n", None),
        ("The page is started on lb.\n", None),
    ],
)  # fmt: skip
def test_a_documented_registry_may_have_its_page_in_a_file(notes: str, page: str | None) -> None:
    found = seen({"code/page.yml": UI, "src/README.md": notes})
    assert found.options.get("registry: page") == page


def test_a_page_in_a_file_of_its_own_belongs_to_a_registry_in_another() -> None:
    unit = "[Service]\nExecStart=/usr/bin/docker run --name {} {}\n"
    found = seen({
        "lb/store.service": unit.format("%p", "-p 5000:5000 registry:2"),
        "lb/view.service": unit.format("%p", "-p 8080:80 joxit/docker-registry-ui:2"),
        "README.md": "docker ps\n",
    })  # fmt: skip
    assert found.options["registry: commands"].split("\n") == [
        "docker run --name store -p 5000:5000 registry:2",
        "docker run --name view -p 8080:80 joxit/docker-registry-ui:2",
    ]
    assert found.sources[REGISTRY] == "lb/store.service"
    both = "docker run -p 5000:5000 registry:2\ndocker run -p 8080:80 joxit/docker-registry-ui:2\n"
    tried = "docker run -p 8081:80 joxit/docker-registry-ui:1\n"
    own = seen({"README.md": both, "tried.txt": tried})
    assert "8081" not in own.options["registry: commands"]


def test_values_that_lie_at_the_machines_root_come_in_a_folder_laid_out_as_it() -> None:
    run = "docker run -p $PORT:5000 registry:2"
    unit = f"[Service]\nEnvironmentFile=/etc/default/store\nExecStart={run}\n"
    files = {"lb/etc/default/store": "PORT=5001\n", "lb/etc/systemd/system/store.service": unit}
    found = seen({**files, "x": "x"})
    assert found.options["registry: commands"] == "docker run -p 5001:5000 registry:2"


def test_what_lies_beside_the_registrys_folder_is_brought_into_it() -> None:
    file = STORE.replace("registry:2", "registry:2\n    volumes: ['../auth:/auth', './x:/y']")
    found = seen({"lb/registry/compose.yml": file, "lb/auth/htpasswd": "a:b\n", "x": "x"})
    assert found.options["registry: beside"] == "lb/auth ./auth"
    assert "'./auth:/auth', './x:/y'" in found.files["lb/registry/compose.yml"].decode()
    out = STORE.replace("registry:2", "registry:2\n    volumes: ['../../../auth:/auth']")
    assert "registry: beside" not in seen({"lb/registry/compose.yml": out, "x": "x"}).options


def test_a_page_whose_up_removes_what_is_beside_it_does_so_here() -> None:
    page = "services:\n  view:\n    image: joxit/docker-registry-ui:2\n"
    files = {"store.yml": STORE, "view.yml": page}
    up = "docker compose -f store.yml up -d\ndocker compose -f view.yml up -d{}\n"
    removing = seen({**files, "README.md": up.format(" --remove-orphans")})
    assert removing.options["registry: page removes"] == "yes"
    assert "registry: page removes" not in seen({**files, "README.md": up.format("")}).options
