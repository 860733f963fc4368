"""What stands in another file: in a README, in a script."""

from __future__ import annotations

import pytest

from tests.unit.steps.recognition.given import (
    BALANCER,
    BUILD,
    CFG,
    COMPOSE,
    DOCKERFILE,
    FRONT,
    HEAD,
    INDEX,
    REGISTRY,
    RSYSLOG,
    STACK,
    STORE,
    quickly,
    seen,
)

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


def test_what_the_machines_of_a_vagrantfile_write_is_handed_in() -> None:
    vagrantfile = (
        "Vagrant.configure('2') do |config|\n  config.vm.define 'lb' do |lb|\n"
        "    lb.vm.provision 'shell', inline: <<-SHELL\n      apt-get install -y haproxy\n"
        f"      cat > /etc/haproxy/haproxy.cfg <<'CFG'\n{CFG}CFG\n"
        "      systemctl restart haproxy\n    SHELL\n  end\nend\n"
    )
    found = seen({"Vagrantfile": vagrantfile, "x": "x"})
    assert found.sources == {BALANCER: "haproxy.cfg"}
    assert found.files["haproxy.cfg"].decode() == CFG
    assert found.notes == ("haproxy.cfg is what Vagrantfile writes",)


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


def test_the_registrys_file_may_be_written_beside_a_stack_of_the_same_name() -> None:
    script = f"cat > /srv/store/docker-compose.yml <<EOF\n{STORE}EOF\n"
    found = seen({COMPOSE: STACK, "up.sh": script, "x": "x"})
    assert (found.sources[COMPOSE], found.sources[REGISTRY]) == (
        COMPOSE, "srv/store/docker-compose.yml"
    )  # fmt: skip
    assert "srv/store/docker-compose.yml is what up.sh writes" in found.notes
    other = f"cat > /srv/tp/docker-compose.yml <<EOF\n{STACK}EOF\n"
    assert seen({COMPOSE: STACK, "up.sh": other, "x": "x"}).notes == ()
    both = STACK + STORE.replace("services:\n", "")
    assert seen({COMPOSE: both, "up.sh": script, "x": "x"}).sources[REGISTRY] == COMPOSE


def test_what_a_script_writes_for_web2_does_not_replace_web1s() -> None:
    script = (
        "web1() {\n  echo 'REPO=' > .env\n}\nweb2() {\n  echo 'REPO=lb:5000/' > .env\n}\n"
        "web20() {\n  echo 'x' > x.env\n}\n"
    )
    found = seen({COMPOSE: STACK, "up.sh": script, "x": "x"})
    assert found.files[".env"] == b"REPO=\n"
