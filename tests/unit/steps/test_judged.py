"""What is judged is what is started, and it is judged before."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

import pytest

from labkit.course import Files, Submission, load_course
from labkit.errors import StepFailedError
from labkit.facts.compose.project import JUDGED, by_judged
from labkit.grading.stepping import call
from labkit.remote import PlannedShell, Result, from_facts
from steps.judged import judge
from steps.recognition import recognise
from tests import ROOT

REFERENCE = ROOT / "steps" / "reference"
COURSE = load_course()
HOME = "/srv/student-list"


class Machine:
    """A machine on which Compose says what it is told to."""

    def __init__(self, *configs: Mapping[str, Any], links: Mapping[str, str] | None = None) -> None:
        self.configs = [json.dumps(one) for one in configs]
        self.links = links or {}
        self.shell = PlannedShell("web2", self.answer)
        self.others = from_facts(
            {"test -w /srv": 0, "tar -xzmf": 0, "/etc/os-release": "ID=debian"}
        )

    def answer(self, question: str) -> Result:
        """The next document each time that Compose is asked, the last one for ever."""
        words = shlex.split(question) if "realpath" in question else []
        if words:
            paths = [self.links.get(one, one) for one in words[words.index("--") + 1 :]]
            return Result(question, "\0".join([*paths, ""]), "", 0)
        if "config --format json" in question and "@@file" not in question:
            said = self.configs.pop(0) if len(self.configs) > 1 else self.configs[0]
            return Result(question, said, "", 0)
        return self.others(question)


def submitted(files: Mapping[str, str]) -> Submission:
    return recognise({path: text.encode() for path, text in files.items()}, REFERENCE)


def carried(number: int, machine: Machine, submission: Submission) -> list[str]:
    step = COURSE.step(str(number))
    assert step is not None
    others = {name: PlannedShell(name, machine.others) for name in ("web1", "web2", "lb")}
    shells = {**others, "web1": machine.shell, "web2": machine.shell}
    call(step, shells, Files(COURSE.root, None, submission=submission))
    return machine.shell.plan


STACK = "services:\n  php: {image: 'php:apache'}\n  age: {image: 'student-age:1'}\n"
GOOD: dict[str, Any] = {"services": {"php": {"image": "php:apache"}, "age": {"image": "age:1"}}}
BAD: dict[str, Any] = {"services": {"php": {"image": "php:apache", "pid": "host"}}}


@pytest.mark.parametrize(
    "path",
    ["stack.yml", "my-compose.yml", "Docker-Compose.YML", "a/b/c/d/docker-compose.yml",
     "docker-compose (1).yml", "compose.yaml"],
)  # fmt: skip
def test_hostile_files_of_any_name_are_judged_before_they_are_started(path: str) -> None:
    machine = Machine(BAD)
    with pytest.raises(StepFailedError, match="php asks for pid: host"):
        carried(5, machine, submitted({path: STACK, "x.txt": ""}))
    assert not any(" up " in line for line in machine.shell.plan)


def test_hostile_values_that_come_with_dotenv_are_judged_after_its_last_change() -> None:
    """`pid: "${STUDENT_AGE_IMAGE:+host}"`: harmless until the step itself has set the variable."""
    machine = Machine(GOOD, GOOD, BAD)  # what is brought early, and the rest, before and after
    with pytest.raises(StepFailedError, match="pid: host"):
        carried(10, machine, submitted({"docker-compose.yml": STACK, "x.txt": ""}))
    assert any("STUDENT_AGE_IMAGE" in line for line in machine.shell.plan)
    assert not any("docker compose" in line or "docker pull" in line
                   for line in machine.shell.plan)  # fmt: skip


def test_hostile_values_are_judged_again_when_they_are_started() -> None:
    """What was harmless when the step began is not taken on trust."""
    machine = Machine(GOOD, BAD)
    with pytest.raises(StepFailedError, match="pid: host"):
        carried(5, machine, submitted({"docker-compose.yml": STACK, "x.txt": ""}))
    assert not any(" up " in line for line in machine.shell.plan)


def test_hostile_changes_between_judgement_and_start_are_too_late() -> None:
    """What is started is the document that was judged, and .env is not read again."""
    machine = Machine(GOOD)
    plan = carried(
        5, machine, submitted({"docker-compose.yml": STACK, ".env": "COMPOSE_FILE=x.yml"})
    )
    path = f"{HOME}/docker-compose.yml"
    assert plan[-1] == f"web2:{HOME} $ {shlex.join(by_judged(path))} up -d --quiet-pull"
    assert json.loads(machine.shell.files[JUDGED + path]) == GOOD
    assert "--env-file /dev/null" in plan[-1]


def bind(source: str, **more: Any) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": "/x", **more}


def test_hostile_links_are_followed_at_the_moment_of_the_start() -> None:
    inside = f"{HOME}/www/host"
    machine = Machine({"services": {"php": {"volumes": [bind(inside)]}}}, links={inside: "/"})
    with pytest.raises(StepFailedError, match="php asks for /"):
        judge(machine.shell, f"{HOME}/docker-compose.yml", by_name=False)


def volume(device: str, **more: Any) -> dict[str, Any]:
    """A stack that keeps its data in a volume which is a folder of the machine."""
    opts = {"type": "none", "o": "bind", "device": device, **more}
    mounts = [{"type": "volume", "source": "data", "target": "/data", "volume": {}}]
    return {"services": {"php": {"volumes": mounts}}, "volumes": {"data": {"driver_opts": opts}}}


def test_a_volume_that_is_a_folder_is_started_as_a_mount_of_it() -> None:
    machine = Machine(volume(f"{HOME}/data"))
    judged = judge(machine.shell, f"{HOME}/compose.yml", by_name=True)
    assert judged.services["php"].mounts == {"/data": f"{HOME}/data"}
    started = json.loads(machine.shell.files[f"{JUDGED}{HOME}/compose.yml"])
    assert started["volumes"] == {}
    assert started["services"]["php"]["volumes"] == [
        {"type": "bind", "source": f"{HOME}/data", "target": "/data",
         "bind": {"create_host_path": False}}
    ]  # fmt: skip


@pytest.mark.parametrize(
    "stack",
    [
        volume("/etc"), volume("/"), volume("./data"), volume(f"{HOME}/www/host"),
        volume(f"{HOME}/data", o="bind,exec"), volume(f"{HOME}/data", type="ext4"),
        volume(f"{HOME}/data", o="addr=192.0.2.1"), volume(f"{HOME}/data", more="x"),
    ],
)  # fmt: skip
def test_a_hostile_volume_is_no_folder_of_the_project(stack: dict[str, Any]) -> None:
    machine = Machine(stack, links={f"{HOME}/www/host": "/"})
    with pytest.raises(StepFailedError, match=r"php asks for /|data asks for driver_opts"):
        judge(machine.shell, f"{HOME}/compose.yml", by_name=True)


def with_limits() -> dict[str, Any]:
    limits = {"cpus": 0.5, "memory": "209715200"}
    deployed = {"image": "age:1", "deploy": {"resources": {"limits": limits}}}
    return {
        "services": {"php": {"image": "php:apache", "cpus": 0.5, "pids_limit": 9}, "age": deployed}
    }


@pytest.mark.parametrize("can", ["true", "false"])
def test_a_share_of_the_processors_is_left_out_where_no_container_would_start(can: str) -> None:
    """The engine warns of any other limit that its kernel lacks, and starts the container."""
    machine = Machine(with_limits())
    others = machine.others
    machine.others = lambda question: (
        Result(question, can, "", 0) if "docker info" in question else others(question)
    )
    judge(machine.shell, f"{HOME}/compose.yml", by_name=True)
    services = json.loads(machine.shell.files[f"{JUDGED}{HOME}/compose.yml"])["services"]
    meant = with_limits()["services"]
    if can == "false":
        del meant["php"]["cpus"], meant["age"]["deploy"]["resources"]["limits"]["cpus"]
    assert services == meant


def test_hostile_links_cannot_be_put_into_a_folder_that_is_mounted() -> None:
    """The outer one is started for reading only; nobody loses a right answer for it."""
    services = {"php": {"volumes": [bind(f"{HOME}/www"), bind(f"{HOME}/www/data")]}}
    machine = Machine({"services": services})
    judged = judge(machine.shell, f"{HOME}/compose.yml", by_name=True)
    outer, inner = judged.services["php"].raw["volumes"]
    assert outer["read_only"]
    assert "read_only" not in inner
    started = json.loads(machine.shell.files[f"{JUDGED}{HOME}/compose.yml"])
    assert started == judged.document


def test_hostile_paths_that_nobody_can_tell_are_refused() -> None:
    services = {"php": {"volumes": [bind(f"{HOME}/www")]}}
    shell = PlannedShell(
        "web1", from_facts({"config --format": json.dumps({"services": services})})
    )
    with pytest.raises(StepFailedError, match="not started"):
        judge(shell, f"{HOME}/compose.yml", by_name=True)


def test_hostile_names_of_services_are_words() -> None:
    named = "services:\n  'api; touch /x #': {image: 'student-age:1'}\n  r: {image: 'registry:2'}\n"
    submission = submitted({"docker-compose.yml": named, "x.txt": ""})
    plan = carried(5, Machine(GOOD), submission)
    assert shlex.split(plan[-1])[-1] == "api; touch /x #"


def test_what_compose_is_told_beside_is_told_when_it_is_asked() -> None:
    asked: list[str] = []

    def answer(question: str) -> Result:
        asked.append(question)
        return Result(question, '{"services": {}}', "", 0)

    shell = PlannedShell("web1", answer)
    judge(shell, f"{HOME}/a.yml", by_name=True, options=("-f", "a.yml", "-f", "b.yml"))
    judge(shell, f"{HOME}/a.yml", by_name=True, options=("--profile=front",))
    told = [one.partition("docker compose ")[2] for one in asked if " config " in one]
    assert [one.partition(" config")[0] for one in told] == [
        "-f a.yml -f b.yml", "--profile=front -f a.yml"
    ]  # fmt: skip
