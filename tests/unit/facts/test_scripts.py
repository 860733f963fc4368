"""The docker commands that a shell would come to, in scripts, Makefiles and notes."""

from __future__ import annotations

import shlex
import time

import pytest

from labkit.facts.scripts import docker_commands, written_files

RUN = "docker run -d -p 5000:5000 --name registry registry:2"
SCRIPTS = {
    "plain": f"#!/bin/bash\nset -e\n{RUN}\n",
    "variables": "PORT=5000\nexport NAME='registry'\ndocker run -d -p $PORT:5000 --name ${NAME}"
    " registry:2\n",
    "defaults": "readonly N=${1:-registry}\ndocker run -d -p ${P:-5000}:5000 --name $N registry:2",
    "options in a variable": 'OPTS="-d -p 5000:5000"\ndocker run $OPTS --name registry registry:2',
    "an array": 'O=(-d -p 5000:5000)\ndocker run "${O[@]}" --name registry registry:2\n',
    "a function": "start() {\n  docker run -d -p $2:5000 --name $1 registry:2\n}\n"
    "start registry 5000\n",
    "a function on one line": f"function up {{ {RUN}; }}\nup\n",
    "a function that nobody calls": f"up () {{\n  {RUN}\n}}\n",
    "functions in each other": f"a() {{\n b\n}}\nb() {{\n {RUN}\n}}\na\n",
    "a loop": "for p in 5000; do\n  docker run -d -p $p:5000 --name registry registry:2\ndone\n",
    "a loop on one line": f"for port in 5000; do {RUN.replace('5000:', '$port:')}; done",
    "a condition": f"if ! docker inspect x >/dev/null 2>&1; then\n  {RUN}\nfi\n",
    "a condition on one line": f'[ "$(docker ps -q -f name=registry)" ] || {RUN}\n',
    "one after the other": f"docker rm -f registry 2>/dev/null; {RUN} && docker ps | grep 5000\n",
    "the older word": "docker container run -d -p 5000:5000 --name registry registry:2\n",
    "as root": f"sudo -E {RUN}\n",
    "comments": f"# docker run -d -p 5001:5000 registry:2\n{RUN}  # docker run x\n",
    "an endless function": f"f() {{\n f\n}}\nf\n{RUN}\n",
    "sudo in a variable": f"SUDO=sudo\n$SUDO {RUN}\n",
    "what is added to an array": "O=(-d)\nO+=(-p 5000:5000)\n"
    'docker run "${O[@]}" --name registry registry:2\n',
    "what is added to a text": 'O="-d -p"\nO+=" 5000:5000"\n'
    "docker run $O --name registry registry:2\n",
    "several values at once": "readonly HOST=lb PORT=5000\nN=registry M='a b'\n"
    "docker run -d -p $PORT:5000 --name $N registry:2\n",
    "an array on several lines": "local -a O=(\n  -d  # in the background\n  -p 5000:5000\n)\n"
    'docker run "${O[@]}" --name registry registry:2\n',
    "by its path": f"/usr/bin/{RUN}\n",
    "told to a machine": f"ssh -o StrictHostKeyChecking=no -i key root@lb '{RUN}'\n",
    "told to a machine in words": f"ssh root@lb sudo {RUN}\n",
    "told to a machine of Vagrant's": f'vagrant ssh lb -c "sudo {RUN}"\n',
    "told to another shell": f"sudo bash -c 'cd /srv && {RUN}'\n",
    "a shell that tells itself": f"f() {{ bash -c f; }}\nf\n{RUN}\n",
}


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_is_followed(text: str) -> None:
    found = [shlex.join(words) for words in docker_commands("up.sh", text, "/srv")]
    assert [one for one in found if one.startswith("docker run")] == [RUN]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("up.sh", "set -a; source .env; set +a\nCMD"), ("up.sh", ". ./.env\nCMD"),
        ("up.sh", "export $(grep -v '^#' .env | xargs)\nCMD"), ("Makefile", "-include .env\nCMD"),
        ("justfile", "set dotenv-load := true\nup:\n  CMD"), ("up.sh", "P=1\nsource .env\nCMD"),
    ],
)  # fmt: skip
def test_what_a_script_reads_in_is_known(path: str, text: str) -> None:
    beside = {".env": "# mine\nP=5000\n", "./.env": 'export P="5000"\nsource .env\n'}
    text = text.replace("CMD", RUN.replace("5000:", "${P}:"))
    found = docker_commands(path, text, "/srv", lambda name: beside.get(name, ""))
    assert [shlex.join(words) for words in found] == [RUN]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "justfile",
            'p := "5000"\nup:\n  @docker run -d -p {{p}}:5000 --name registry registry:2\n',
        ),
        ("up.ps1", '$P = 5000\ndocker run -d -p "${P}:5000" --name registry registry:2\n'),
        ("up.bat", "set P=5000\r\ndocker run -d -p %P%:5000 --name registry registry:2\r\n"),
    ],
)
def test_other_programs_have_variables_of_their_own_form(path: str, text: str) -> None:
    assert [shlex.join(words) for words in docker_commands(path, text, "/srv")] == [RUN]


@pytest.mark.parametrize(
    "line",
    [
        f"root@lb:~# {RUN}", f"[vagrant@lb ~]$ {RUN}", f"me@lb:/srv/registry$ sudo {RUN}",
        f"lb $ {RUN}", f"PS C:\\Users\\me> {RUN}", f"C:\\tp> {RUN}", f"# {RUN}", f"+ {RUN}",
        f"  101  {RUN}", f"1. {RUN}", f"   13  18/11/24 13:50:15 {RUN}",
        f" 1013  2024-11-18 13:50:15 {RUN}", f"7 2024-11-18T13:50 {RUN}", f"- `{RUN}`",
        f"On lance : `{RUN}`, et voilà.",
        f"| registre | `sudo {RUN}` |",
        RUN.replace(" -p", " `\n  -p"), RUN.replace(" -p", " ^\n -p"),
        f"8- Lancer le registre priv\u00e9: {RUN}", f"The registry :sudo {RUN}",
        f"* **{RUN}**", f"_{RUN}_", f"=> {RUN}", f"-> {RUN}", f">{RUN}", f"<code>{RUN}</code>",
        f'<pre class="x">{RUN}</pre>', RUN.replace(" ", "\u00a0"),
        RUN.replace(" -p", " \\ \n  -p"), "$ " + RUN.replace(" -p", " \\\n>  -p"),
        RUN.replace(" -d", " \u2013d"), RUN.replace("--name", "\u2014name"),
        RUN.replace("name registry", "name \u201cregistry\u201d"),
    ],
)  # fmt: skip
def test_notes_show_commands_in_many_ways(line: str) -> None:
    found = docker_commands("README.md", f"# Registre\n\n{line}\n", "/srv")
    assert [shlex.join(words) for words in found] == [RUN]


@pytest.mark.parametrize(
    "text",
    [f"up:\n\t@{RUN.replace('5000:', '$(P):')}\nP ?= 5000",
     f"up:\n\t-docker network create reg\n\t@-{RUN}\n", f"# {RUN}\nup:\n\t{RUN}\n",
     f"O = {RUN[len('docker run '):]} # as always\nup:\n\tdocker run $(O)\n",
     f"registry: net\n\t{RUN.replace('--name registry', '--name $@')}\n"],
)  # fmt: skip
def test_a_makefile_is_read_as_make_would(text: str) -> None:
    found = [shlex.join(words) for words in docker_commands("Makefile", text, "/srv")]
    assert found[-1:] == [RUN]
    assert len(found) == 1 + ("network" in text)


ADOC = """\
= Registry
:port: 5000
:name: registry

////
docker run -d --name tried registry:2
////
// docker run -d --name tried-too registry:2
. Start it:
+
[source,console]
----
$ docker run -d -p {port}:5000 --name {name} registry:2 <1>
$ docker ps --format '{no-such}' # <.>
----
"""


def test_attributes_callouts_and_comments_of_asciidoc_are_read() -> None:
    first, second = docker_commands("README.adoc", ADOC, "/srv")
    assert shlex.join(first) == RUN
    assert second[2:] == ["--format", "{no-such}"]
    assert "{port}:5000" in docker_commands("README.md", ADOC, "/srv")[-2]


def test_make_calls_the_folder_by_a_name_of_its_own() -> None:
    text = "up:\n\tdocker run -v $(CURDIR)/data:/data x\n"
    (words,) = docker_commands("Makefile", text, "/srv")
    assert words[-2] == "/srv/data:/data"


@pytest.mark.parametrize(
    "word",
    [
        "$(pwd)",
        "$(CURDIR)",
        "`pwd`",
        "$PWD",
        "${PWD}",
        '"$(pwd)"',
        "$HOME",
        "~",
        "$DIR",
        '"${DIR}"',
    ],
)
def test_the_folder_is_the_one_that_it_is_typed_in(word: str) -> None:
    text = f'DIR="$(cd "$(dirname "$0")" && pwd)"\ndocker run -v {word}/auth:/auth registry:2\n'
    (found,) = docker_commands("x.sh", text, "/srv/registry")
    assert found == ["docker", "run", "-v", "/srv/registry/auth:/auth", "registry:2"]


def test_several_files_are_told_to_compose() -> None:
    text = "F=docker-compose.prod.yml\ndocker-compose -f docker-compose.yml -f $F up -d\n"
    (found,) = docker_commands("up.sh", text, "/srv")
    given = ["-f", "docker-compose.yml", "-f", "docker-compose.prod.yml"]
    assert found == ["docker", "compose", *given, "up", "-d"]


@pytest.mark.parametrize(
    "text",
    ["echo docker run registry:2", "Note: docker run is typed next",
     "See: `x`: docker run -d registry:2", "Run the registry with docker run",
     'docker run "registry:2', "podman run registry:2", "X=docker", "see docker.io"],
)  # fmt: skip
def test_what_only_speaks_of_docker_is_no_command(text: str) -> None:
    assert docker_commands("README.md", text, "/srv") == []


def test_what_a_shell_would_not_take_stays_so_in_a_script() -> None:
    assert docker_commands("up.sh", "docker run \u2014name a \\ \n b\n", "/srv") == []
    (found,) = docker_commands("up.sh", "docker run \u2014name a\n", "/srv")
    assert found == ["docker", "run", "\u2014name", "a"]
    assert docker_commands("up.sh", "docker run \\\n > x", "/srv") == [["docker", "run"]]


def test_what_is_unknown_stays_as_it_is_written() -> None:
    assert docker_commands("x.sh", "docker run -p $PORT:5000 '$x' registry:2", "/srv") == [
        ["docker", "run", "-p", "$PORT:5000", "$x", "registry:2"]
    ]


@pytest.mark.parametrize(
    ("text", "path", "content"),
    [
        ("cat > a/Dockerfile <<EOF\nFROM python:3\nEOF\n", "a/Dockerfile", "FROM python:3\n"),
        ("cat <<'EOF' > x.yml\na: $B\nEOF\necho\n", "x.yml", "a: $B\n"),
        ("B=2\ncat <<EOF >x.yml\na: $B ${C:-3} \\$D $E.\nEOF\n", "x.yml", "a: 2 3 $D .\n"),
        ("sudo tee /etc/haproxy/haproxy.cfg > /dev/null <<-END\n\tglobal\n\tEND\n",
         "/etc/haproxy/haproxy.cfg", "global\n"),
        ("D=/srv/x\ncat << \"EOF\" | sudo tee $D/x.yml\na\nEOF\n", "/srv/x/x.yml", "a\n"),
        ("  cat >> $PWD/x.yml <<EOF\na\nEOF\n", "./x.yml", "a\n"),
        ("cat > x.yml <<EOF\na\nEOF\ncat >> x.yml <<EOF\nb\nEOF\n", "x.yml", "a\nb\n"),
        ("cat > x.yml <<EOF\na\nEOF\ncat > x.yml <<EOF\nb\nEOF\n", "x.yml", "b\n"),
        ("sudo bash -c 'cat > /etc/x.cfg <<EOF\na\nEOF'\n", "/etc/x.cfg", "a\n"),
        ('ssh root@lb "sudo tee /etc/x.cfg" >/dev/null <<EOF\na\nEOF\n', "/etc/x.cfg", "a\n"),
        ('A=1\necho "a $A\n  \\"b\\" \\$C" > x.cfg\n', "x.cfg", 'a 1\n  "b" $C\n'),
        ("echo 'a $A\nb' | sudo tee /etc/x.conf > /dev/null\n", "/etc/x.conf", "a $A\nb\n"),
        ("echo 'a' > x.conf\necho \"b\" >> x.conf\necho c | tee -a x.conf\n",
         "x.conf", "a\nb\nc\n"),
        ("printf 'a\\n\\tb\\n' > x.conf; \n", "x.conf", "a\n\tb\n"),
        ("echo -e 'a\\nb' >x.conf\n", "x.conf", "a\nb\n"),
        ("cat <<EOF >> x.conf\na\nEOF\necho *.* /var/x.log >> x.conf\n",
         "x.conf", "a\n*.* /var/x.log\n"),
    ],
)  # fmt: skip
def test_a_script_writes_files(text: str, path: str, content: str) -> None:
    assert written_files(text, ".") == {path: content}


@pytest.mark.parametrize(
    "text",
    ["cat <<EOF\nhello\nEOF\n", "mysql <<EOF\nx\nEOF\n", "", "echo 'x'\n",
     "echo '10.0.0.1 lb' >> hosts\n", "# echo a > x.cfg\n", "printf '%s' $A > x.cfg\n",
     "echo 1 > /proc/x\n"],
)  # fmt: skip
def test_what_is_written_nowhere_is_no_file(text: str) -> None:
    assert written_files(text, ".") == {}


@pytest.mark.parametrize(
    "text",
    ["cat > x <<EOF\n" * 5000, "cat > x <<E\n" + "$" * 50_000 + "\nE\n",
     'echo "a\n' * 20_000, "echo 'a\n" * 19_999, "echo " * 20_000, "echo 'a' > x.cfg\n" * 5000,
     "ssh " * 20_000 + "cat <<E", "sudo cat \"" * 900 + "\n",
     "cat > " + "a/" * 40_000 + " <<E\nE\n", "cat > x <<E\n" + "E \n\t" * 20_000,
     "a@" * 4000 + "\n", "$(cd " * 20_000, "for x in a b c; do " * 500 + "\n", "f() {\n" * 20_000,
     "f() {\nf\nf\n}\nf\n" * 100, "A=x\n" + "A+=$A\n" * 5000, "bash -c 'bash -c x'\n" * 5000,
     "\u2014a " * 30_000, "export $(" + ".env" * 20_000, "source x\n" * 5000,
     "${a-" * 2000, "docker run " + "a=${a}" * 1000, "'" * 9999,
     "[" * 9999, "A=" + "x" * 400 + "\n" + "B=$A$A\nA=$B$B\n" * 1000],
)  # fmt: skip
def test_a_text_made_to_keep_a_reader_busy_is_read_in_good_time(text: str) -> None:
    before = time.process_time()
    docker_commands("README.md", text, "/srv")
    written_files(text, ".")
    assert time.process_time() - before < 1.5


NOTES = f"""# Registre

{RUN}

## %s

docker run -d -p 5001:5000 --name registry registry:2
```
# failed
```

## Page
docker network create x
"""


@pytest.mark.parametrize("title", ["Ce qui n'a pas marché", "Tentative échouée", "Failed attempts",
                                   "Ce qui ne fonctionne pas", "What did not work"])  # fmt: skip
def test_a_section_that_says_that_it_failed_is_left_out(title: str) -> None:
    found = [shlex.join(words) for words in docker_commands("README.md", NOTES % title, "/srv")]
    assert found == [RUN, "docker network create x"]


@pytest.mark.parametrize("title", ["Problèmes et solutions", "Fail2ban", "Essais", "Le registre"])
def test_other_sections_are_read(title: str) -> None:
    found = docker_commands("README.md", NOTES % title, "/srv")
    assert len(found) == 3


def test_a_comment_among_commands_is_no_title() -> None:
    text = f"```sh\n# si cela a échoué\n{RUN}\n```\n"
    assert [shlex.join(words) for words in docker_commands("README.md", text, "/srv")] == [RUN]


BY_MACHINE = """\
one() {
  echo "A=1" > .env
}
two() { # the other one
  echo "A=2" > .env
  echo "B=2" > two.env
}
case $1 in
  one) one ;;
  two)
    printf "A=3" > .env ;;
esac
echo "C=1" > c.env
"""


def test_what_is_written_for_another_machine_replaces_nothing() -> None:
    assert written_files(BY_MACHINE, ".")[".env"] == "A=3"
    apart = written_files(BY_MACHINE, ".", lambda name: name == "two")
    assert apart == {".env": "A=1\n", "two.env": "B=2\n", "c.env": "C=1\n"}


@pytest.mark.parametrize("path", ["README.md", "up.sh", "README.adoc", "a.tex", "Makefile", "a.yml",
                                  "a.csv", "a.service"])  # fmt: skip
@pytest.mark.parametrize(
    "text",
    ["x" + " " * 100_000, "\t" * 99_999 + "x", "x=`" + " " * 90_000, "$(" * 50_000,
     "docker run " * 9_000, 'A="' * 30_000, "- run: |\n    x" + " " * 90_000],
    ids=["blanks", "tabs", "a quote and blanks", "brackets", "commands", "values", "a task"],
)  # fmt: skip
def test_a_text_that_is_made_to_be_slow_is_read_in_time(path: str, text: str) -> None:
    began = time.process_time()
    docker_commands(path, text, "/srv")
    written_files(text, ".")
    assert time.process_time() - began < 1.5


def test_what_a_command_says_in_a_here_document_is_not_known() -> None:
    text = 'cat > a.yml <<EOF\na: "$(whoami)@`hostname`"\nb: $B\\$C\nEOF\n'
    assert written_files(text, ".") == {"a.yml": 'a: "@"\nb: $C\n'}
