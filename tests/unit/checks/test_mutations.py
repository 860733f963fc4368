"""The mutation operators: each applies, changes something, and names the check that must see it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import pytest
import yaml

from checks.mutations import MUTATIONS, compose, yamls
from checks.mutations.dockerfile import instructions
from checks.mutations.haproxy import joined, lines
from labkit.course import Mutation, load_course
from tests import ROOT
from tests.fakes.practical import CHECKS

ARTEFACTS = {
    "dockerfile": "simple_api/Dockerfile",
    "api": "simple_api/student_age.py",
    "compose": "docker-compose.yml",
    "index": "website/index.php",
    "registry": "docker-compose-registry.yml",
    "haproxy": "haproxy/haproxy.cfg",
}
# Operators that find nothing to change in the reference, and why.
NOT_THERE = {
    "compose.ports-swapped": 'both sides of "80:80" are the same',
    "compose.page-file-missing": "the page's folder is mounted",
    "haproxy.https-of-another-port": "nobody is sent to HTTPS",
}
# What must no longer be YAML; every other mutant of a compose file is.
NO_YAML = {"compose.tab", "compose.unclosed-quote", "registry.tab", "registry.unclosed-quote"}


def of_each(mutations: Iterable[Mutation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("mutation", list(mutations), ids=lambda one: one.name)


EACH = of_each(MUTATIONS)
EACH_FAULT = of_each(one for one in MUTATIONS if not one.equivalent)
EACH_OF_YAML = of_each(one for one in MUTATIONS if one.artefact.endswith(".yml"))


def original(path: str) -> str:
    """The reference artefact, or the given file where there is none."""
    places = (ROOT / "steps" / folder / path for folder in ("reference", "starter"))
    return next(place for place in places if place.exists()).read_text(encoding="utf-8")


def mutants(mutation: Mutation, text: str | None = None) -> list[str]:
    return list(mutation.mutate(original(mutation.artefact) if text is None else text))


def named(name: str) -> Mutation:
    return next(one for one in MUTATIONS if one.name == name)


def mutant(name: str, text: str) -> str:
    """The first mutant of an operator."""
    return mutants(named(name), text)[0]


def test_they_are_the_courses() -> None:
    assert load_course().mutations == MUTATIONS


def test_names_are_unique_and_say_which_artefact_it_is() -> None:
    names = Counter(one.name for one in MUTATIONS)
    assert names.most_common(1)[0][1] == 1
    for one in MUTATIONS:
        slug, _dot, what = one.name.partition(".")
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", what), one.name
        assert one.artefact == ARTEFACTS[slug]


@EACH
def test_it_is_caught_by_a_check_that_runs_without_drills_or_by_none_for_a_reason(
    mutation: Mutation,
) -> None:
    if mutation.equivalent:
        assert mutation.caught_by == ""
    else:
        check = next(one for one in CHECKS if one.id == mutation.caught_by)
        assert not check.spec.disturbs


@EACH
def test_it_says_why_in_a_sentence(mutation: Mutation) -> None:
    for sentence in filter(None, (mutation.why, mutation.equivalent)):
        assert re.fullmatch(r"\S.*[^.]\.", sentence)


@EACH
def test_it_changes_the_reference_or_has_a_reason_not_to(mutation: Mutation) -> None:
    found = mutants(mutation)
    assert bool(found) is (mutation.name not in NOT_THERE)
    assert len({original(mutation.artefact), *found}) == len(found) + 1


@EACH_OF_YAML
def test_a_mutant_of_yaml_is_yaml_unless_that_is_the_fault(mutation: Mutation) -> None:
    for one in mutants(mutation):
        if mutation.name in NO_YAML:
            with pytest.raises(yaml.YAMLError):
                yaml.safe_load(one)
        else:
            assert isinstance(yaml.safe_load(one), dict)


@EACH_FAULT
def test_nothing_is_planted_into_nothing_nor_into_another_text(mutation: Mutation) -> None:
    assert mutants(mutation, "") == []
    assert mutants(mutation, "Nothing to see.\n" * 50) == []


@EACH
def test_line_ends_of_windows_stay_as_they_are(mutation: Mutation) -> None:
    windows = original(mutation.artefact).replace("\n", "\r\n")
    found = mutants(mutation, windows)
    assert len(found) == len(mutants(mutation))
    assert all("\n" not in one.replace("\r\n", "") for one in found)


def test_there_are_enough_of_them() -> None:
    faults = [one for one in MUTATIONS if not one.equivalent]
    assert len(faults) >= 45
    assert len(MUTATIONS) - len(faults) >= 5
    assert sum(len(mutants(one)) for one in faults) >= 60
    assert {one.artefact for one in faults} == set(ARTEFACTS.values())


# -- texts that differ from the reference

COMPOSE = """\
version: "3.8"
x-common: &common
  restart: always   # for both
services:
  front:
    <<: *common
    image: 'php:8.2-apache'
    environment:
      - USERNAME=toto
      - "PASSWORD=python"
    ports:
      - target: 80
        published: "8080"
    volumes:
      - type: bind
        source: ./website
        target: /var/www/html
  back:
    <<: *common
    build: ./simple_api
    command: [python, "-u", student_age.py]
    ports: [5000:5000]
    volumes: ["./simple_api:/data:ro"]
"""


@pytest.mark.parametrize(
    ("name", "keys", "value"),
    [
        ("compose.port-inside", ("front", "ports", 0, "target"), 8080),
        ("compose.port-on-loopback", ("front", "ports", 0, "host_ip"), "127.0.0.1"),
        ("compose.page-elsewhere", ("front", "volumes", 0, "target"), "/var/www"),
        ("compose.data-elsewhere", ("back", "volumes", 0), "./simple_api:/app/data:ro"),
        ("compose.wrong-credentials", ("front", "environment"),
         ["USERNAME=tutu", "PASSWORD=python"]),
        ("compose.no-credentials", ("front", "image"), "php:8.2-apache"),
        ("compose.restart-no", ("back", "restart"), "no"),
        ("compose.no-image", ("back", "ports", 0), "5000:5000"),
        ("compose.networks-apart", ("back", "networks", 0), "back"),
        ("compose.privileged", ("back", "privileged"), True),
        ("compose.docker-socket", ("front", "volumes", 1),
         "/var/run/docker.sock:/var/run/docker.sock"),
    ],
)  # fmt: skip
def test_compose_in_another_style(name: str, keys: tuple[str | int, ...], value: object) -> None:
    found = yaml.safe_load(mutant(name, COMPOSE))["services"]
    for key in keys:
        found = found[key]
    assert found == value


def test_a_change_of_one_service_leaves_what_shares_an_anchor_with_it() -> None:
    both, front, back = mutants(named("compose.no-restart"), COMPOSE)
    restarts = [
        [one.get("restart") for one in yaml.safe_load(text)["services"].values()]
        for text in (both, front, back)
    ]
    assert restarts == [[None, None], [None, "always"], ["always", None]]


def test_a_website_that_only_its_mount_tells_is_not_robbed_of_it() -> None:
    own = COMPOSE.replace("image: 'php:8.2-apache'", "build: ./website")
    assert mutants(named("compose.no-page"), own) == []
    assert len(mutants(named("compose.no-ports"), own)) == 1


def test_an_api_that_only_its_build_tells_cannot_be_left_alone() -> None:
    assert mutants(named("compose.no-website"), COMPOSE) == []


BEHIND_ITS_PAGE = """\
services:
  depot:
    image: registry:2
  page:
    image: joxit/docker-registry-ui:2
    ports: ["8080:80"]
    environment:
      NGINX_PROXY_PASS_URL: http://depot:5000
"""


@pytest.mark.parametrize(
    "name", ["proxy-host", "proxy-port", "proxy-scheme", "service-renamed", "networks-apart"]
)
def test_a_page_that_is_the_only_way_to_the_registry_is_left_its_way(name: str) -> None:
    """There it is the registry that nobody reaches, and not the page alone that shows nothing."""
    both = BEHIND_ITS_PAGE.replace("registry:2\n", 'registry:2\n    ports: ["5000:5000"]\n')
    assert mutants(named(f"registry.{name}"), BEHIND_ITS_PAGE) == []
    assert len(mutants(named(f"registry.{name}"), both)) == 1


def test_ports_are_swapped_where_they_differ() -> None:
    text = original("docker-compose.yml").replace('"80:80"', "8080:80")
    found = yaml.safe_load(mutant("compose.ports-swapped", text))
    assert found["services"]["website"]["ports"] == ["80:8080"]


def test_values_survive_reading_and_writing() -> None:
    """What YAML 1.1 would take for a number of base 60, a boolean, a date or a fraction."""
    text = "a: 22:22\nb: no\nc: 2024-01-02\nd: 0.50\ne: true\nf: 7\ng:\nh: '7'\ni: 010\n"
    again = yaml.safe_load(yamls.dump(yamls.load(text)))
    assert again == {
        "a": "22:22", "b": "no", "c": "2024-01-02", "d": "0.50", "e": True, "f": 7, "g": None,
        "h": "7", "i": "010",
    }  # fmt: skip


DOCKERFILE = """\
# syntax stays
from python:3.11
Run apt-get update \\
    # a comment in between
    && pip3 install -r simple_api/requirements.txt

COPY --chown=1:1 simple_api/student_age.py /app/
EXPOSE 5000/tcp
ENTRYPOINT ["python"]
CMD ["/app/student_age.py"]
"""


def test_a_dockerfile_is_cut_into_instructions_and_put_together_again() -> None:
    for text in (DOCKERFILE, original("simple_api/Dockerfile"), "FROM x", "\n\n", "RUN a \\"):
        assert "".join(instructions(text)) == text
    run = next(one for one in instructions(DOCKERFILE) if one.startswith("Run"))
    assert run.count("\n") == 3


@pytest.mark.parametrize(
    ("name", "gone", "there"),
    [
        ("dockerfile.packages-not-installed", "pip3", "COPY"),
        ("dockerfile.expose-removed", "5000", "ENTRYPOINT"),
        ("dockerfile.expose-wrong-port", "5000", "EXPOSE 8080"),
        ("dockerfile.command-removed", "ENTRYPOINT", "COPY"),
        ("dockerfile.command-other-script", "/app/student_age.py", "/app/app.py"),
        ("dockerfile.copy-missing-file", "simple_api/student_age.py", "student-age.py"),
        ("dockerfile.script-not-copied", "COPY", "EXPOSE"),
    ],
)
def test_a_dockerfile_in_another_style(name: str, gone: str, there: str) -> None:
    found = mutant(name, DOCKERFILE)
    assert gone not in found
    assert there in found


def test_what_several_stages_would_break_elsewhere_is_left() -> None:
    text = DOCKERFILE.replace("COPY --chown=1:1", "COPY --from=build")
    assert mutants(named("dockerfile.packages-not-installed"), text) == []


HAPROXY = """\
defaults
  mode http
  balance leastconn
  default-server inter 3s check # all of them
frontend front
  bind :80
  use_backend other if FALSE
  default_backend my-backend # there
backend other
  server web1 web1:80 check
backend my-backend
  server one 10.0.0.1:80 weight 3 # the first
  server two 10.0.0.2:80
frontend numbers
  bind :9000
  stats uri /
"""


def test_a_configuration_is_cut_into_lines_and_put_together_again() -> None:
    assert joined(lines(HAPROXY)) == HAPROXY
    assert {one.name for one in lines(HAPROXY) if one.is_server} == {"my-backend"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("haproxy.no-check", ["  default-server # all of them"]),
        ("haproxy.one-check", ["  server one 10.0.0.1:80 weight 3 no-check # the first"]),
        ("haproxy.backup", ["  server two 10.0.0.2:80 backup"]),
        ("haproxy.weight", ["  server one 10.0.0.1:80 # the first",
                            "  server two 10.0.0.2:80 weight 10"]),
        ("haproxy.same-server", ["  server two 10.0.0.1:80"]),
        ("haproxy.same-name", ["  server one 10.0.0.2:80"]),
        ("haproxy.backend-renamed", ["  default_backend web-servers # there",
                                     "backend web-servers"]),
        ("haproxy.default-backend-misspelt", ["  default_backend mybackend # there"]),
        ("haproxy.wrong-port", ["  server two 10.0.0.2:8081"]),
        ("haproxy.balance", ["    balance source"]),
    ],
)  # fmt: skip
def test_a_configuration_in_another_style(name: str, expected: list[str]) -> None:
    before, after = HAPROXY.splitlines(), mutant(name, HAPROXY).splitlines()
    assert [one for one in after if one not in before] == expected


def test_a_configuration_keeps_its_last_line_end() -> None:
    """HAProxy takes a file without it for one that was cut off."""
    for mutation in (one for one in MUTATIONS if one.artefact == "haproxy/haproxy.cfg"):
        assert all(text.endswith("\n") for text in mutants(mutation)), mutation.name


def test_a_name_that_has_to_be_resolved_is_misspelt_and_no_address() -> None:
    assert mutants(named("haproxy.server-unresolvable"), HAPROXY) == []


def test_statistics_that_are_not_a_listen_of_their_own_are_left() -> None:
    assert mutants(named("haproxy.no-stats"), HAPROXY) == []


PAGE = """\
<form action="" method="POST"><input type="submit" name="submit" value="List"></form>
<?php
$url = "http://back:5000/pozos/api/v1.0/get_student_ages";
$list = json_decode(file_get_contents($url, false, $context), true);
foreach($list["student_ages"] as $key => $value) {
    echo "- $key is $value years old<br>";
}
"""


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("index.address", '"http://172.18.0.2:5000/pozos/api'),
        ("index.no-port", '"http://back/pozos/'),
        ("index.other-port", '"http://back:8000/pozos/'),
        ("index.unclosed-quote", "get_student_ages;"),
        ("index.no-button", 'method="POST"></form>'),
        ("index.idle-button", 'type="button"'),
        ("index.first-only", 'array_slice($list["student_ages"], 0, 1) as $key'),
        ("index.not-printed", "foreach([] as $key => $value)"),
        ("index.no-ages", "- $key is $key years"),
        ("index.ages-swapped", 'array_reverse($list["student_ages"])) as $key'),
        ("index.other-key", '$list["students"] as'),
    ],
)
def test_a_page_in_another_style(name: str, there: str) -> None:
    assert there in mutant(name, PAGE)


def test_a_page_that_takes_any_method_may_be_asked_by_get() -> None:
    assert mutants(named("index.form-by-get"), PAGE) == []
    posted = PAGE.replace("<?php\n", "<?php\nif (isset($_POST['submit'])) echo 1;\n")
    assert 'method="get"' in mutant("index.form-by-get", posted)


def test_of_two_with_apache_the_website_is_the_one_that_logs_in() -> None:
    """Else a mistake is planted into a page that nobody asks for, and is none."""
    beside = {"image": "php:apache", "volumes": ["./doc:/var/www/html"]}
    site = {"image": "php:apache", "environment": ["USERNAME=toto", "PASSWORD=python"]}
    assert compose.website({"services": {"documentation": beside, "website": site}}) is site
    assert compose.website({"services": {"documentation": beside}}) is beside
