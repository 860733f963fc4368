"""Commands in texts that are no shell's: LaTeX, tables, notebooks, units of systemd, YAML."""

from __future__ import annotations

import json
import shlex
import time

import pytest

from labkit.facts.scripts import docker_commands

RUN = "docker run -d -p 5000:5000 --name registry registry:2"


def read(path: str, text: str, **beside: str) -> list[str]:
    """The commands of a file, each as one line."""
    found = docker_commands(
        path, text, "/srv", lambda name: beside.get(name.rpartition("/")[2], "")
    )
    return [shlex.join(words) for words in found]


LATEX = rf"""
% docker run -d --name tried registry:2
\begin{{lstlisting}}[language=bash, caption={{Start}}]
{RUN.replace("--name", chr(92) + chr(10) + "  --name")}
\end{{lstlisting}}
\begin{{comment}}
docker run -d --name tried-too registry:2
\end{{comment}}
Then \verb|docker volume create a_b| and \texttt{{docker network create -{{}}-internal c\_d}}.
"""


def test_listings_of_latex_are_read_and_its_comments_are_not() -> None:
    assert read("rapport.tex", LATEX) == [
        RUN, "docker volume create a_b", "docker network create --internal c_d"
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_each_cell_of_a_table_may_hold_commands(delimiter: str) -> None:
    rows = [["Machine", "Command"], ["lb", f'"docker network create x\n{RUN}"']]
    text = "\n".join(map(delimiter.join, rows))
    name = "notes.tsv" if delimiter == "\t" else "notes.csv"
    assert read(name, text) == ["docker network create x", RUN]


def test_a_table_of_markdown_writes_a_bar_with_a_backslash() -> None:
    text = '| 1 | `docker run -e "T=a \\| b" x \\| cat` | ok |\n'
    assert read("README.md", text) == ["docker run -e 'T=a | b' x"]


def test_a_notebook_hands_lines_over_to_a_shell() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Registry\n", "`docker network create x`"]},
        {"cell_type": "code", "source": [f"!{RUN}\n", "docker = 1\n", "print(docker)"]},
        {"cell_type": "code", "source": "%%bash\ndocker volume create y\n"},
    ]
    found = read("tp.ipynb", json.dumps({"cells": cells}))
    assert found == ["docker network create x", RUN, "docker volume create y"]


UNIT = """\
[Service]
EnvironmentFile=-/etc/default/registry
Environment=NAME=registry
# docker run --name tried registry:2
ExecStartPre=-/usr/bin/docker rm -f %p
ExecStart=/usr/bin/docker run -d \\
    -p ${PORT}:5000 --name ${NAME} ${IMAGE}
ExecStop=/usr/bin/docker stop %p
"""


def test_a_unit_runs_what_it_starts_with_its_name_and_its_environment() -> None:
    found = read("lb/registry.service", UNIT, registry="PORT=5000\nIMAGE=registry:2\n")
    assert found == ["docker rm -f registry", RUN]


YAML = {
    "Taskfile": f"""
version: "3"
vars: {{NAME: registry}}
tasks:
  up:
    vars: {{PORT: 5000}}
    cmds:
      - cmd: {RUN.replace("5000:", "{{.PORT}}:").replace("name registry", "name {{.NAME}}")}
      - echo done  # docker run x
""",
    "a workflow": f"""
env: {{PORT: "5000"}}
jobs:
  up:
    runs-on: self-hosted
    steps:
      - uses: actions/checkout@v4
      - run: |
          # docker run --name tried registry:2
          {RUN.replace("5000:", "${PORT}:")}
""",
    "a pipeline": f"up:\n  stage: deploy\n  script:\n    - {RUN}\n",
    "a playbook's commands": f"""
- hosts: lb
  vars: {{port: 5000}}
  tasks:
    - ansible.builtin.shell: {RUN.replace("5000:", "{{ port }}:")}
    - name: the same in words
      command: {{argv: [docker, ps, "{{{{ port }}}}"]}}
""",
    "a playbook's modules": """
- hosts: lb
  tasks:
    - community.docker.docker_container:
        name: registry
        image: registry:2
        ports: ["5000:5000"]
    - docker_container: {name: old, state: absent}
    - docker_network: {name: net}
    - docker_volume: {name: vol}
""",
}


@pytest.mark.parametrize("text", YAML.values(), ids=YAML)
def test_yaml_says_what_is_typed(text: str) -> None:
    found = read("tp.yml", text)
    same = [one for one in found if one in (RUN, RUN.replace("-p 5000:5000 --name registry",
            "--name registry --publish 5000:5000"))]  # fmt: skip
    assert len(same) == 1
    assert ("docker ps 5000" in found) is ("argv" in text)
    assert not [one for one in found if "tried" in one]


def test_a_module_stands_for_the_command_that_it_carries_out() -> None:
    task = {"name": "a", "image": "x:1", "restart_policy": "always", "env": {"A": True, "B": "c d"},
            "networks": [{"name": "n"}], "published_ports": ["80:80"], "volumes": ["v:/v"],
            "command": "serve /x.yml"}  # fmt: skip
    (found,) = read("p.yml", json.dumps([{"tasks": [{"docker_container": task}]}]))
    assert found == (
        "docker run -d --name a --restart always --publish 80:80 --volume v:/v --network n"
        " -e A=true -e 'B=c d' x:1 serve /x.yml"
    )
    assert read("p.yml", YAML["a playbook's modules"])[1:] == [
        "docker rm -f old", "docker network create net", "docker volume create vol"
    ]  # fmt: skip


def test_what_runs_in_a_container_is_nothing_that_is_typed() -> None:
    text = "services:\n  a:\n    image: x\n    command: docker ps\n    environment: {A: b}\n"
    assert read("docker-compose.yml", text) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.yml", "a: &a [*a, *a]\n" * 50), ("a.yml", "[" * 900), ("a.yml", "cmds: " * 500),
        ("a.ipynb", '{"cells": [' * 5000), ("a.ipynb", '{"cells": {"source": 1}}'),
        ("a.ipynb", '{"cells": [1, {"source": null}, {"source": {"a": 1}}]}'),
        ("a.csv", '"' * 9999), ("a.csv", "\0"), ("a.tex", "\\verb|" * 9999),
        ("a.tex", "\\texttt{" * 9999), ("a.tex", "\\begin{comment}" * 5000),
        ("a.service", "ExecStart=%" + "%" * 9999), ("a.service", "ExecStart=" + "-" * 9999),
        ("a.md", "# a\n" * 20_000), ("a.sh", "A=(" * 9999), ("a.sh", "a=b " * 20_000),
    ],
)  # fmt: skip
def test_what_is_made_to_be_slow_or_to_break_is_read_in_time(path: str, text: str) -> None:
    began = time.process_time()
    read(path, text)
    assert time.process_time() - began < 2


def test_a_command_whose_quote_has_no_end_is_read_as_it_stands() -> None:
    text = 'tasks:\n  - docker_container: {image: x, command: "it\'s so"}\n'
    (words,) = docker_commands("p.yml", text, "/srv")
    assert words == ["docker", "run", "-d", "x", "it's", "so"]
