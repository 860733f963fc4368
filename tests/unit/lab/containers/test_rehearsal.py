"""The rehearsal of el9: what its packages say to rpm, and that nobody takes it for Rocky."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import pytest

from labkit.course import Blueprint
from labkit.lab.containers.images import (
    REHEARSAL,
    choose_family,
    node_reference,
    system_of,
    wanted_family,
)
from labkit.lab.containers.rehearsal.packing import (
    FOLDERS,
    SIGNERS,
    Package,
    contents,
    packages,
    prune,
    repository,
    spec,
    upstream,
)
from labkit.remote import Result
from labkit.remote.plan import PlannedShell
from steps.s01_machines import DOCKER_REPO, DOCKER_RHEL
from tests.fakes.engine import engine

ROOT = REHEARSAL / "root"
NONE = Blueprint(())
PACKAGES = {one.name: one for one in packages((REHEARSAL / "packages.toml").read_text())}


def os_release() -> dict[str, str]:
    lines = (ROOT / "usr/lib/os-release").read_text().splitlines()
    return {
        key: value.strip('"') for key, _equals, value in (line.partition("=") for line in lines)
    }


# -- the system


def test_el9_os_release_leads_every_step_into_its_el9_branch() -> None:
    text = (ROOT / "usr/lib/os-release").read_text()
    shell = PlannedShell("web1", lambda question: Result(question, text, "", 0))
    assert shell.family == "redhat"
    assert os_release()["VERSION_ID"].startswith("9.")


def test_el9_rehearsal_is_named_as_such_wherever_a_person_reads() -> None:
    assert "(rehearsal, not Rocky)" in os_release()["PRETTY_NAME"]
    assert system_of(node_reference("rehearsal-el9", NONE)) == "el9 (rehearsal, not Rocky)"
    assert system_of("labkit/node:rocky9-0123") == "rocky9"


def test_el9_rehearsal_is_chosen_by_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_family(engine([node_reference("rehearsal-el9", NONE)]), NONE) == "debian13"
    monkeypatch.setenv("LABKIT_FAMILY", "rehearsal-el9")
    assert wanted_family() == "rehearsal-el9"


# -- the packages


def test_el9_packages_are_all_that_the_steps_install() -> None:
    assert {*DOCKER_RHEL, "haproxy", "rsyslog", "httpd-tools"} <= PACKAGES.keys()
    assert {PACKAGES[name].repository for name in DOCKER_RHEL} == {"docker"}


def test_el9_packages_require_nothing_that_is_not_there() -> None:
    there = set(PACKAGES) | {name for one in PACKAGES.values() for name in one.provides}
    for one in PACKAGES.values():
        for requirement in one.requires:
            alternatives = requirement.strip("()").split(" or ")
            assert there & set(alternatives), f"{one.name} requires {requirement}"


def test_el9_releasever_is_9() -> None:
    assert "system-release(releasever) = 9" in PACKAGES["rehearsal-release"].provides


@pytest.mark.parametrize(
    ("debian", "el9"),
    [
        ("26.1.5+dfsg1-9+deb13u1+b1", "26.1.5"),
        ("1.7.24~ds1-6+deb13u1", "1.7.24"),
        ("3.0.11-1+deb13u4", "3.0.11"),
        ("1:2.3-4", "2.3"),
    ],
)
def test_el9_version_is_the_upstream_one(debian: str, el9: str) -> None:
    assert upstream(debian) == el9


def test_el9_version_is_never_guessed() -> None:
    with pytest.raises(ValueError, match="not a version"):
        upstream("unstable")


def test_el9_spec_says_what_the_package_says() -> None:
    text = spec(PACKAGES["docker-ce"], "26.1.5", Path("/tree"), ["/usr/sbin/dockerd"])
    lines = text.splitlines()
    assert {"Name: docker-ce", "Version: 26.1.5", "Requires: docker-ce-cli"} <= set(lines)
    assert "AutoReqProv: no" in lines  # the libraries are Debian's
    assert "BuildArch: noarch" not in lines
    assert lines[lines.index("%files") + 1 :] == ["/usr/sbin/dockerd"]
    assert "groupadd --system docker" in text.partition("%post")[2].partition("%files")[0]
    assert "%pre" not in lines
    assert "rehearsal" in text.partition("Summary:")[2].splitlines()[0]


def test_el9_spec_of_an_empty_package_holds_no_file_and_no_script() -> None:
    lines = spec(PACKAGES["rsyslog"], "9", Path("/tree"), []).splitlines()
    assert lines[-1] == "%files"
    assert "BuildArch: noarch" in lines
    assert not {"%pre", "%post"} & set(lines)


def test_el9_haproxy_has_its_user_before_its_files() -> None:
    text = spec(PACKAGES["haproxy"], "3.0.11", Path("/tree"), [])
    before, after = text.partition("%post")[0], text.partition("%post")[2]
    assert "useradd --system" in before.partition("%pre")[2]
    assert "chown haproxy:haproxy /var/lib/haproxy" in after


def test_el9_package_of_an_unknown_repository_is_refused() -> None:
    with pytest.raises(ValueError, match="no repository epel"):
        Package("x", "epel")
    with pytest.raises(TypeError):
        packages('[x]\nrepository = "docker"\nrequire = ["y"]\n')


def test_el9_contents_own_files_and_empty_folders(tmp_path: Path) -> None:
    for path in ("etc/x/x.conf", "usr/bin/x"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("")
    (tmp_path / "usr/bin/y").symlink_to("x")
    (tmp_path / "var/lib/x").mkdir(parents=True)
    assert contents(tmp_path) == [
        "%config(noreplace) /etc/x/x.conf",
        "%dir /var/lib/x",
        "/usr/bin/x",
        "/usr/bin/y",
    ]


def test_el9_pruning_takes_out_what_is_named_or_says_that_it_is_gone(tmp_path: Path) -> None:
    unit = tmp_path / "x.service"
    unit.write_text("[Service]\nRestart=always\nExecStart=x\n")
    (tmp_path / "etc/init.d").mkdir(parents=True)
    (tmp_path / "usr/share/doc/x").mkdir(parents=True)
    one = Package("x", "docker", leave_out=("/etc/init.d",), unlines={"/x.service": ["Restart="]})
    prune(tmp_path, one)
    assert unit.read_text() == "[Service]\nExecStart=x\n"
    assert not (tmp_path / "etc/init.d").exists()
    assert not (tmp_path / "usr/share").exists()
    with pytest.raises(FileNotFoundError):
        prune(tmp_path, one)


# -- the repositories


def test_el9_docker_repository_lies_where_the_steps_own_file_looks() -> None:
    repo = configparser.ConfigParser(interpolation=None)
    repo.read_string(DOCKER_REPO)
    url = repo["docker-ce-stable"]["baseurl"].replace("$releasever", "9")
    assert url.replace("$basearch", "x86_64") == f"https://{repository('docker', 'x86_64')}"
    key = repo["docker-ce-stable"]["gpgkey"].removeprefix("https://")
    assert f"$share/{key}" in (REHEARSAL / "prepare.sh").read_text()


def test_el9_own_repositories_are_signed_and_say_that_they_are_not_rockys() -> None:
    repo = configparser.ConfigParser(interpolation=None)
    repo.read(ROOT / "etc/yum.repos.d/rocky.repo")
    assert {*repo.sections(), "docker"} == FOLDERS.keys() == SIGNERS.keys()
    for section in repo.sections():
        assert repo[section]["gpgcheck"] == "1"
        assert repo[section]["baseurl"].endswith(f"/rehearsal-el9/{repository(section, 'x')}")
        assert "not Rocky" in repo[section]["name"]


# -- the emulated tools


@pytest.mark.parametrize("tool", ["getenforce", "getsebool", "selinuxenabled", "setsebool"])
def test_el9_tools_of_selinux_say_that_they_are_emulated(tool: str) -> None:
    assert re.search("^# Emulated: ", (ROOT / "usr/sbin" / tool).read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("getsebool httpd_no_such", "no such boolean"),
        ("getsebool -x", "no such option"),
        ("getsebool", "usage"),
        ("setsebool -p haproxy_connect_any on", "no such option"),
        ("selinuxenabled -q", "no such argument"),
    ],
)
def test_el9_tools_of_selinux_refuse_what_they_do_not_know(typed: str, said: str) -> None:
    tool, *words = typed.split()
    ran = subprocess.run(
        ["sh", str(ROOT / "usr/sbin" / tool), *words], capture_output=True, text=True, check=False
    )
    assert ran.returncode != 0
    assert said in ran.stderr
