"""The shell that steps see: it acts only where something does not hold, and says what it does."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from labkit.errors import EXIT_FAILED
from labkit.remote import CommandFailedError, PlannedShell, Result, Shell, from_facts

DEBIAN = {"/etc/os-release": "ID=debian\n"}
ROCKY = {"/etc/os-release": 'ID="rocky"\nID_LIKE="rhel centos fedora"\n'}


def shell(facts: dict[str, str | int] | None = None) -> PlannedShell:
    return PlannedShell("web1", from_facts(facts or {}))


class Asked(PlannedShell):
    """A shell whose questions can be read afterwards."""

    def __init__(self, facts: dict[str, str | int]) -> None:
        self.questions: list[str] = []
        known = from_facts(facts)

        def answer(question: str) -> Result:
            self.questions.append(question)
            return known(question)

        super().__init__("web1", answer)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# -- files


def test_a_file_that_differs_is_written() -> None:
    one = shell({"sha256sum /srv/x": f"{digest(b'old')}  /srv/x\n"})
    assert one.write("/srv/x", "new\n")
    assert one.files == {"/srv/x": b"new\n"}
    assert one.plan == ["web1 $ nano /srv/x"]


def test_a_file_that_holds_it_already_is_left_alone() -> None:
    one = shell({"sha256sum /srv/x": f"{digest(b'same')}  /srv/x\n"})
    assert not one.write("/srv/x", b"same")
    assert (one.files, one.plan) == ({}, [])


def test_an_empty_file_is_not_a_missing_one() -> None:
    assert shell().write("/srv/x", "")
    assert not shell({"sha256sum /srv/x": f"{digest(b'')}  /srv/x\n"}).write("/srv/x", "")


def test_a_files_digest_is_read_whatever_its_name_and_missing_is_empty() -> None:
    """sha256sum begins the line with a backslash where it had to escape the name."""
    assert shell({"sha256sum": f"\\{digest(b'x')}  a\\nb\n"}).sha256("a\nb") == digest(b"x")
    assert shell({"sha256sum": 1}).sha256("/nowhere") == ""
    assert shell({"sha256sum": ""}).sha256("/odd") == ""


def test_roots_file_is_shown_as_an_edit_by_root_and_a_quiet_one_not_at_all() -> None:
    one = shell()
    one.write("/etc/hosts", "x", root=True)
    one.write("/var/lib/labkit/placed.json", "{}", root=True, quiet=True)
    assert one.plan == ["web1 $ sudoedit /etc/hosts"]
    assert set(one.files) == {"/etc/hosts", "/var/lib/labkit/placed.json"}


def test_reading_what_is_not_there_is_none_and_what_is_empty_is_not() -> None:
    assert shell({"cat /a": 1}).read("/a") is None
    assert shell({"cat /a": ""}).read("/a") == ""
    assert shell({"cat /a": "x\n"}).read("/a") == "x\n"


def test_paths_are_quoted() -> None:
    asked = Asked({})
    asked.read("/srv/my file; rm -rf ~")
    asked.sha256("$(reboot)")
    assert asked.questions == ["cat '/srv/my file; rm -rf ~'", "sha256sum '$(reboot)'"]


# -- systems and packages


@pytest.mark.parametrize(
    ("release", "family"),
    [
        ('ID="rocky"\nID_LIKE="rhel centos fedora"', "redhat"),
        ('ID="almalinux"', "redhat"),
        ('ID="rhel"', "redhat"),
        ("ID=fedora", "redhat"),
        ('NAME="Debian GNU/Linux"\nID=debian', "debian"),
        ("ID=ubuntu\nID_LIKE=debian", "debian"),
    ],
)
def test_the_family_is_what_the_machine_says_and_it_is_asked_once(
    release: str, family: str
) -> None:
    asked = Asked({"/etc/os-release": release})
    assert (asked.family, asked.family) == (family, family)
    assert len(asked.questions) == 1


def install(one: Shell) -> bool:
    return one.install(redhat=("httpd-tools", "jq"), debian=("apache2-utils", "jq"))


def test_each_family_has_its_names_and_its_command() -> None:
    rocky, debian = shell({**ROCKY}), shell({**DEBIAN})
    assert install(rocky)
    assert install(debian)
    assert rocky.plan == ["web1 $ sudo dnf install -y httpd-tools jq"]
    (command,) = debian.plan
    assert command.endswith("sudo apt-get install -y --no-install-recommends apache2-utils jq")


@pytest.mark.parametrize(("system", "asked"), [(ROCKY, "rpm -q"), (DEBIAN, "dpkg")])
def test_only_what_is_missing_is_installed(system: dict[str, str], asked: str) -> None:
    one = shell({**system, asked: "jq\n"})
    assert install(one)
    (command,) = one.plan
    assert command.endswith(" jq")
    assert "httpd-tools" not in command
    assert "apache2-utils" not in command


@pytest.mark.parametrize(("system", "asked"), [(ROCKY, "rpm -q"), (DEBIAN, "dpkg")])
def test_nothing_is_installed_where_nothing_is_missing(system: dict[str, str], asked: str) -> None:
    one = shell({**system, asked: ""})
    assert not install(one)
    assert one.plan == []


def test_apt_fetches_its_lists_before_it_installs() -> None:
    debian = shell({**DEBIAN})
    install(debian)
    assert "apt-get update" in debian.plan[0]


# -- questions, asked of a real shell


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    """A folder of programs that stand for the machine's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def program(stubs: Path, name: str, body: str) -> None:
    path = stubs / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def really(question: str, stubs: Path) -> Result:
    """The answer of a shell that knows the stubs and the usual programs."""
    done = subprocess.run(
        ["/bin/sh", "-c", question],
        env={"PATH": f"{stubs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(question, done.stdout, done.stderr, done.returncode)


def on_stubs(stubs: Path) -> PlannedShell:
    return PlannedShell("web1", lambda question: really(question, stubs))


@pytest.mark.parametrize(
    ("firewalld", "port", "opened"),
    [("active", "open", False), ("active", "closed", True), ("stopped", "closed", False)],
)
def test_a_port_is_opened_where_a_running_firewall_closes_it(
    stubs: Path, firewalld: str, port: str, opened: bool
) -> None:
    program(
        stubs, "systemctl", f'[ "$*" = "is-active --quiet firewalld" ] && [ {firewalld} = active ]'
    )
    program(stubs, "sudo", 'shift; exec "$@"')
    program(stubs, "firewall-cmd", f'[ "$*" = --query-port=8404/tcp ] && [ {port} = open ]')
    one = on_stubs(stubs)
    assert one.open_port("--add-port=8404/tcp") is opened
    command = "sudo firewall-cmd --permanent --add-port=8404/tcp && sudo firewall-cmd"
    assert one.plan == [f"web1 $ {command} --add-port=8404/tcp"] * opened


def test_the_firewall_is_never_reloaded() -> None:
    """A reload wipes the rules that Docker made."""
    one = shell()
    one.open_port("--add-service=http")
    assert "http" in one.plan[0]
    assert "reload" not in one.plan[0]


@pytest.mark.parametrize(
    ("enabled", "active", "started"),
    [(True, True, False), (True, False, True), (False, True, True), (False, False, True)],
)
def test_a_service_is_started_unless_it_runs_now_and_after_a_boot(
    stubs: Path, enabled: bool, active: bool, started: bool
) -> None:
    holds = {"is-enabled": enabled, "is-active": active}
    cases = "".join(f'"{verb} --quiet haproxy") exit {1 - on};;' for verb, on in holds.items())
    program(stubs, "systemctl", f'case "$*" in {cases} *) exit 9;; esac')
    one = on_stubs(stubs)
    assert one.service("haproxy") is started
    assert one.plan == ["web1 $ sudo systemctl enable --now haproxy"] * started


DPKG = {  # what dpkg says and how it ends: installed, removed but for its configuration, unknown
    "ii": ("install ok installed", 0),
    "rc": ("deinstall ok config-files", 0),
    "": ("", 1),
}


def debian_with(stubs: Path, state: str) -> PlannedShell:
    status, code = DPKG[state]
    program(stubs, "dpkg", f"echo 'Status: {status}'; exit {code}")
    program(
        stubs,
        "dpkg-query",
        f'case "$*" in *Abbrev*) echo "{state} ";; *) echo {status};; esac; exit {code}',
    )
    return PlannedShell(
        "web1",
        lambda question: (
            Result(question, "ID=debian\n", "", 0)
            if "os-release" in question
            else really(question, stubs)
        ),
    )


@pytest.mark.parametrize(("state", "needed"), [("ii", False), ("", True)])
def test_the_question_for_a_package_is_understood_on_debian(
    stubs: Path, state: str, needed: bool
) -> None:
    assert debian_with(stubs, state).install(redhat=(), debian=("haproxy",)) is needed


def test_a_removed_package_whose_configuration_stayed_is_installed_again(stubs: Path) -> None:
    assert debian_with(stubs, "rc").install(redhat=(), debian=("haproxy",))


@pytest.mark.parametrize("missing", [[], ["jq"], ["httpd-tools", "jq"]])
def test_the_question_for_packages_is_understood_on_rocky(stubs: Path, missing: list[str]) -> None:
    names = "|".join(missing) or "none"
    program(stubs, "rpm", f'case "$3" in {names}) echo "not installed"; exit 1;; esac')
    rocky = PlannedShell(
        "web1",
        lambda question: (
            Result(question, ROCKY["/etc/os-release"], "", 0)
            if "os-release" in question
            else really(question, stubs)
        ),
    )
    assert install(rocky) is bool(missing)
    assert rocky.plan == [f"web1 $ sudo dnf install -y {' '.join(missing)}"] * bool(missing)


# -- a command that fails


def failed(stdout: str = "", stderr: str = "", code: int = 1) -> CommandFailedError:
    return CommandFailedError("web1", Result("docker build .", stdout, stderr, code))


def test_a_failed_command_says_what_where_and_next() -> None:
    error = failed(stderr="no such file\n", code=17)
    assert str(error) == (
        "exit code 17:\nno such file\n"
        "where: web1 $ docker build .\n"
        "next: labkit ssh web1, and try the command by hand"
    )
    assert (error.machine, error.result.exit_code) == ("web1", 17)
    assert error.exit_code == EXIT_FAILED


def test_a_failed_command_shows_the_end_of_what_it_printed() -> None:
    lines = [f"line {number}" for number in range(1, 21)]
    assert failed(stdout="\n".join(lines)).what.splitlines()[1:] == lines[-8:]


def test_both_outputs_are_shown_the_errors_last() -> None:
    assert failed("step 1\n", "refused\n").what.splitlines()[1:] == ["step 1", "refused"]


def test_a_command_that_printed_nothing_says_so() -> None:
    assert failed("\n", " ").what.splitlines()[1:] == ["(it printed nothing)"]


# -- planning


def test_a_command_is_planned_where_it_would_run_unless_it_is_not_needed() -> None:
    one = shell({"test -d x": 0})
    assert one.run("make", cwd="/srv")
    assert one.run("make again", unless="test -d y")
    assert not one.run("mkdir x", unless="test -d x")
    assert one.plan == ["web1:/srv $ make", "web1 $ make again"]


def test_a_plan_asks_its_question_in_the_commands_folder() -> None:
    asked = Asked({})
    asked.run("touch x", cwd="/srv/my app", unless="test -e x")
    assert asked.questions == ["cd '/srv/my app' && test -e x"]


def test_a_plan_reads_what_it_has_put_there() -> None:
    one = shell({"cat /etc/motd": "old\n"})
    assert one.read("/etc/motd", root=True) == "old\n"
    one.write("/etc/motd", "new\n", root=True)
    assert one.read("/etc/motd", root=True) == "new\n"
    assert one.read("/etc/issue") is None


def test_a_question_as_root_is_asked_as_root() -> None:
    one = shell({"sudo -n cat /root/x": "x\n"})
    assert one.read("/root/x", root=True) == "x\n"
    assert one.read("/root/x") is None


def test_facts_are_parts_of_questions_the_first_one_wins_and_silence_is_no() -> None:
    answer = from_facts({"docker ps": "web\n", "docker": 3, "ps": 0})
    assert (answer("docker ps -a").stdout, answer("docker ps -a").exit_code) == ("web\n", 0)
    assert (answer("docker info").stdout, answer("docker info").exit_code) == ("", 3)
    assert answer("ps aux").ok
    assert answer("uptime").exit_code == 1


def test_what_is_started_is_planned_and_says_nothing() -> None:
    one = shell()
    process = one.start("journalctl -f")
    assert list(process.lines()) == []
    process.stop()
    assert one.plan == ["web1 $ journalctl -f &"]


def test_an_answer_is_read_without_its_last_newline_and_knows_whether_it_is_good() -> None:
    assert Result("x", " a \n", "", 0).text == "a"
    assert Result("x", "a\n", "b\n", 0).said == "a\nb"
    assert [Result("x", "", "", code).ok for code in (0, 1, 255)] == [True, False, False]
