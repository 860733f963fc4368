"""Steps that carry a submission: the exact commands, whose files, and what is never started."""

from __future__ import annotations

import io
import json
import shlex
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from labkit.classroom import read_folder
from labkit.course import Files, ReadingRules, Submission, load_course
from labkit.errors import StepFailedError
from labkit.facts.compose.harmless import asked_for, harms
from labkit.facts.compose.project import JUDGED, Service, by_judged
from labkit.facts.compose.written import written
from labkit.grading.stepping import call
from labkit.remote import CommandFailedError, PlannedShell, Result, from_facts
from steps import s08_registry
from steps.carrying import carry_forward
from steps.documented import document_of, name_of, needed_folders, networks_elsewhere, service_of
from steps.recognition import recognise
from steps.s08_registry import (
    _outside,
    as_documented,
    page_logins,
    provide_networks,
    provide_secrets,
)
from steps.s10_second_server import bring
from steps.stack import stack_of
from subject.roles import Project
from tests import ROOT

COURSE = load_course()
REFERENCE = ROOT / "steps" / "reference"
BUILD = "FROM python:3.12\nCOPY student_age.py /\n"
HOME = "/srv/student-list"
Facts = Mapping[str, str | int]


def service(**raw: Any) -> Service:
    return Service("one", raw)


def project(*services: Service) -> Project:
    return Project("web1", "/srv/x/compose.yml", "x", {one.name: one for one in services})


# -- what would take over the machine


def mount(source: str, **more: Any) -> dict[str, Any]:
    return {"volumes": [{"type": "bind", "source": source, "target": "/x", **more}]}


HARMFUL: dict[str, dict[str, Any]] = {
    "privileged": {"privileged": True},
    "privileged build": {"build": {"context": ".", "privileged": True}},
    "pid": {"pid": "host"},
    "ipc": {"ipc": "host"},
    "uts": {"uts": "host"},
    "user namespace": {"userns_mode": "host"},
    "cgroup": {"cgroup": "host"},
    "SYS_ADMIN": {"cap_add": ["SYS_ADMIN"]},
    "cap_sys_ptrace": {"cap_add": ["cap_sys_ptrace"]},
    "ALL": {"cap_add": ["ALL"]},
    "NET_ADMIN": {"cap_add": ["NET_ADMIN"]},
    "devices": {"devices": [{"source": "/dev/sda", "target": "/dev/sda"}]},
    "seccomp": {"security_opt": ["seccomp:unconfined"]},
    "apparmor": {"security_opt": ["apparmor=unconfined"]},
    **{
        path: mount(path)
        for path in (
            "/", "//", "/etc", "/etc/", "/etc/passwd", "/etc/ssh/sshd_config", "/root",
            "/root/.ssh", "/proc", "/sys/fs/cgroup", "/dev", "/dev/sda", "/var", "/var/run",
            "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock",
            "/var/lib/docker", "/var/lib/docker/volumes", "/boot", "/usr", "/bin", "/lib/",
            "/usr/local/bin", "/usr/libexec", "/home", "/home/student", "/home/student/.ssh",
            "/home/student/.ssh/authorized_keys", "/tmp", "/srv", "/opt", "/opt/containerd",
            "/opt/cni/bin", "/var/lib/labkit", "/var/log", "/root/.docker", "/mnt", "/var/www",
            "/etcetera", "/srvs/x", "/etc/localtime", "/etc/docker", "/etc/docker/daemon.json",
            "/etc/docker/registry-mirror", "/etc/registryd", "/certificates", "/data2",
        )
    },
    "a key of next year": {"use_gpu_of_the_neighbour": True},
    "the engine": {"use_api_socket": True},
    "cgroup_parent": {"cgroup_parent": "/"},
    "runtime": {"runtime": "io.containerd.runc.v2"},
    "sysctls": {"sysctls": {"kernel.core_pattern": "|/x"}},
    "network of a build": {"build": {"context": ".", "network": "host"}},
    "context of a build": {"build": {"context": "/etc"}},
    "entitlements of a build": {"build": {"context": ".", "entitlements": ["security.insecure"]}},
    "a hook": {"post_start": [{"command": "id", "privileged": True}]},
    "a provider": {"provider": {"type": "sh"}},
    "volumes of another container": {"volumes_from": ["container:x"]},
    "a device by way of a reservation": {
        "deploy": {"resources": {"reservations": {"devices": [{"capabilities": ["gpu"]}]}}}
    },
    "a log that goes to a socket": {"logging": {"driver": "syslog"}},
    "oom_score_adj": {"oom_score_adj": -1000},
    "shared mounts": mount("/srv/x/y", bind={"propagation": "rshared"}),
    "an image as a mount": {"volumes": [{"type": "npipe", "source": "x", "target": "/x"}]},
    "a bind without a type": {"volumes": [{"source": "/etc", "target": "/x"}]},
}  # fmt: skip
HARMLESS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "not privileged": {"privileged": False, "pid": "", "ipc": None},
    "pid of another": {"pid": "service:web", "ipc": "shareable"},
    "the network of the machine": {"network_mode": "host"},
    "NET_BIND_SERVICE": {"cap_add": ["NET_BIND_SERVICE", "CAP_CHOWN"], "cap_drop": ["ALL"]},
    "no-new-privileges": {"security_opt": ["no-new-privileges:true"]},
    "a volume": {"volumes": [{"type": "volume", "source": "etc", "target": "/etc"}]},
    "a volume of an odd name": {"volumes": [{"type": "volume", "source": "/etc", "target": "/x"}]},
    "what is for watching": {"develop": {"watch": [{"path": ".", "action": "sync"}]}},
    "notes": {"annotations": {"a": "b"}},
    "memory": {"volumes": [{"type": "tmpfs", "target": "/run"}]},
    "a build": {"build": {"context": "/srv/x"}},
    **{
        path: mount(path)
        for path in (
            "/srv/student-list/website", "/srv/registre/data", "/home/student/tp", "/opt/x",
            "/var/www/html", "/var/lib/registry", "/data", "/mnt/registry", "/tmp/tp/x",
            "/path/auth", "/certs", "/registry", "/registry-data", "/docker/registry/data",
            "/docker-registry", "/usr/local/registry/data", "/registry-images",
            "/vagrant/website", "/var/registry", "/etc/docker/registry/config.yml", "/website",
        )
    },
    **{
        f"{path} to be read": mount(path, read_only=True)
        for path in ("/etc/localtime", "/etc/timezone", "/etc/ssl/certs", "/etc/ssl/certs/ca.pem")
    },
    "limits": {"deploy": {"resources": {"limits": {"memory": "64m"}}}, "mem_limit": "64m"},
    "ports below 1024": {"sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"}},
}  # fmt: skip
# Paths that lead to a folder of the machine's by way of another.
ROUNDABOUT = ("/srv/../etc", "/home/../", "/etc/ssl/certs/../../shadow", "/./etc", "//etc")


@pytest.mark.parametrize("raw", HARMFUL.values(), ids=HARMFUL)
def test_what_takes_hold_of_the_machine_is_named(raw: dict[str, Any]) -> None:
    (said,) = harms(project(service(**raw)))
    assert said.startswith("one asks for ")


@pytest.mark.parametrize("raw", HARMLESS.values(), ids=HARMLESS)
def test_what_does_not_is_let_pass(raw: dict[str, Any]) -> None:
    assert harms(project(service(**raw))) == []


@pytest.mark.parametrize("path", ROUNDABOUT)
def test_a_roundabout_way_is_a_way(path: str) -> None:
    assert len(harms(project(service(**mount(path))))) == 1


def test_every_service_and_every_reason_is_told() -> None:
    one = Service("a", {"privileged": True, "pid": "host"})
    assert harms(project(one, Service("b", {}), Service("c", mount("/")))) == [
        "a asks for privileged", "a asks for pid: host", "c asks for /"
    ]  # fmt: skip


def test_the_references_are_harmless() -> None:
    for name in ("docker-compose.yml", "docker-compose-registry.yml"):
        data = (REFERENCE / name).read_bytes()
        assert harms(written(f"/srv/x/{name}", data, Project)) == []


# -- which service is which


def named(name: str, image: str = "", **raw: Any) -> Service:
    return Service(name, {"image": image, **raw})


AT_DATA: dict[str, Any] = {"volumes": [{"source": "x", "target": "/data/"}]}
AT_WWW: dict[str, Any] = {"volumes": [{"source": "x", "target": "/var/www/html"}]}
PORT: dict[str, Any] = {"ports": [{"target": 5000, "published": "5000"}]}


@pytest.mark.parametrize(
    ("services", "website", "api"),
    [
        ([named("w", "php:apache"), named("a", "student-age:1.0")], "w", "a"),
        ([named("w", "httpd"), named("a", "lb:5000/student_age:2")], "w", "a"),
        ([named("w", "my/apache"), named("a", build={"context": "."})], "w", "a"),
        ([named("w", "php"), named("a", "flask", **AT_DATA), named("x", "redis")], "w", "a"),
        ([named("w", "php"), named("a", "anything")], "w", "a"),
        ([named("w", "php"), named("a", "x", **PORT), named("y", "redis")], "w", "a"),
        ([named("w", build={"context": "w"}, **AT_WWW), named("a", build={"context": "a"})],
         "w", "a"),
        ([named("w", "nginx", **AT_WWW), named("a", "student-age")], "w", "a"),
        ([named("w", "php"), named("n", "nginx")], "w", ""),
        ([named("w", "php"), named("r", "registry:2", **PORT)], "w", ""),
        ([named("w", "php"), named("a", "flask"), named("r", "registry:2")], "w", "a"),
        ([named("a", "student-age")], "", "a"),
        ([named("x", "redis")], "", ""),
        ([named("x", "redis"), named("y", "mysql")], "", ""),
        ([named("p", "phpmyadmin"), named("w", "php", environment={"USERNAME": "toto"}),
          named("a", "student-age")], "w", "a"),
        ([named("one", "php"), named("two", "php"), named("a", "student-age")], "one", "a"),
        ([], "", ""),
    ],
)  # fmt: skip
def test_roles_are_told_by_what_services_are(
    services: Sequence[Service], website: str, api: str
) -> None:
    found = project(*services)
    assert (found.website.name if found.website else "") == website
    assert (found.api.name if found.api else "") == api
    assert found.is_the_practical is bool(website or api)


def test_an_image_that_is_only_built_has_the_name_that_compose_gives() -> None:
    built = project(named("w", "php"), named("a", build={"context": "a"}))
    assert built.api_image == "x-a"
    assert project(named("w", "php"), named("a", "student-age:1")).api_image == "student-age:1"
    assert project(named("w", "php")).api_image == ""


# -- a registry by documented commands


def words(command: str) -> list[str]:
    return shlex.split(command)


def test_a_docker_run_is_read_as_a_service() -> None:
    one = Service("registry", service_of(words(
        "docker run -d -p 5000:5000 -e REGISTRY_AUTH=htpasswd --env A='b c' --env=C=d"
        " -v /srv/registry/auth:/auth:ro --volume=data:/var/lib/registry registry:2"
    ), "/srv/registry"))  # fmt: skip
    assert one.environment == {"REGISTRY_AUTH": "htpasswd", "A": "b c", "C": "d"}
    assert one.mounts == {"/auth": "/srv/registry/auth", "/var/lib/registry": "data"}
    assert harms(project(one)) == []


def run_harms(rest: str) -> list[str]:
    """What `docker run REST` asks for."""
    document = document_of([words(f"docker run {rest}")], "/srv/registry")
    return asked_for(document, "/srv/registry")


@pytest.mark.parametrize(
    "options",
    [
        "--privileged", "--privileged=true", "--pid host", "--pid=host", "--ipc=host",
        "--uts host", "--userns=host", "--cap-add SYS_ADMIN", "--cap-add=ALL",
        "--device /dev/sda", "--security-opt seccomp=unconfined",
        "-v /:/host", "-v /etc:/x:ro", "--volume=/var/run/docker.sock:/s",
        "--mount type=bind,source=/,target=/host", "--mount=type=bind,src=/,dst=/host",
        "--mount 'type=bind,\"source=/etc\",destination=/x'", "--cgroupns=host",
        "-v=/:/host", "-v/:/host", "-dv /:/host", "-itv=/etc:/x", "-v ../../etc:/x",
        "--mount type=volume,source=x,target=/x,volume-opt=device=/",
        "--mount type=bind,src=/srv/a/b,src=/,dst=/x", "--sysctl kernel.core_pattern=x",
        "--runtime x", "--cgroup-parent=/", "--gpus all", "-v /srv/a/b:/x:rshared",
        "--volumes-from container:x", "--isolation=x", "--volume-driver=x", "-dX", "--", "-",
    ],
)  # fmt: skip
def test_harm_in_a_docker_run_is_seen(options: str) -> None:
    assert len(run_harms(f"{options} registry:2")) == 1


@pytest.mark.parametrize(
    "options",
    [
        "--privileged=false", "--net=host", "--network host", "-d -p 443:5000 --restart=always",
        "-v certs:/etc", "-v ./etc:/etc", "--mount type=volume,source=x,target=/etc",
        "--mount type=tmpfs,target=/run", "--pid=container:x", "-v /srv/images:/var/lib/registry:z",
        "-itd --rm", "-p5000:5000 -e=A=b", "--name x registry:2 --privileged -v /:/x",
    ],
)  # fmt: skip
def test_no_harm_in_a_docker_run_is_none(options: str) -> None:
    assert run_harms(f"{options} registry:2") == []


CERTIFIED = {
    "environment": {
        "REGISTRY_HTTP_TLS_CERTIFICATE": "/certs/domain.crt",
        "REGISTRY_HTTP_TLS_KEY": "/certs/domain.key",
        "REGISTRY_AUTH_HTPASSWD_PATH": "/auth/users",
    },
    "volumes": [
        {"source": "/srv/registry/my-certs", "target": "/certs"},
        {"source": "/srv/registry/auth/", "target": "/auth/"},
    ],
}


@pytest.mark.parametrize(
    ("mounts", "inside", "outside"),
    [
        ({"/certs": "/srv/registry/certs"}, "/certs/lb.crt", "/srv/registry/certs/lb.crt"),
        ({"/certs": "./certs"}, "/certs/a/lb.crt", "/srv/registry/certs/a/lb.crt"),
        ({"/certs/lb.crt": "/srv/x.crt"}, "/certs/lb.crt", "/srv/x.crt"),
        ({"/certs": "/srv/registry/certs/"}, "/certs/lb.crt", "/srv/registry/certs/lb.crt"),
        ({"/certs": "volume"}, "/certs/lb.crt", ""),
        ({"/certs": "/x"}, "/certificates/lb.crt", ""),
        ({"/certs": "/x"}, "", ""),
        ({"/certs": "/etc/ssl/certs"}, "/certs/../../shadow", ""),
        ({}, "/certs/lb.crt", ""),
    ],
)
def test_where_a_file_of_a_container_lies_on_the_machine(
    mounts: dict[str, str], inside: str, outside: str
) -> None:
    raw = {"volumes": [{"source": there, "target": here} for here, there in mounts.items()]}
    assert _outside(Service("x", raw), inside) == outside


def lb(facts: Facts | None = None) -> PlannedShell:
    return PlannedShell("lb", from_facts(facts or {}))


def test_secrets_are_made_where_the_registry_looks_for_them() -> None:
    shell = lb()
    provide_secrets(shell, [Service("registry", CERTIFIED)])
    assert shell.plan == [
        "lb:/srv/registry $ sudo install -D -m 644 certs/lb.crt /srv/registry/my-certs/domain.crt",
        "lb:/srv/registry $ sudo install -D -m 644 certs/lb.key /srv/registry/my-certs/domain.key",
        "lb:/srv/registry $ sudo install -D -m 644 auth/htpasswd /srv/registry/auth/users",
    ]


def test_a_password_file_that_the_registry_ignores_stays_as_it_is() -> None:
    shell = lb({"test -s": 0, "grep -q": 0})
    provide_secrets(shell, [Service("registry", CERTIFIED)])
    assert not [line for line in shell.plan if "/auth/users" in line]


def test_a_password_file_that_was_handed_in_gets_a_user_more() -> None:
    shell = lb({"test -s": 0})
    provide_secrets(shell, [Service("registry", CERTIFIED)])
    assert shell.plan[-1] == (
        "lb:/srv/registry $ htpasswd -Bb /srv/registry/auth/users student student-list"
    )


USERS = {"source": "/srv/registry/users", "target": "/auth/users"}
CONFIGURED: dict[str, object] = {
    "volumes": [
        {"source": "/srv/registry/config.yml", "target": "/etc/docker/registry/config.yml"},
        USERS,
    ],
}


@pytest.mark.parametrize(
    "raw",
    [
        CONFIGURED,
        {
            "command": ["serve", "/my/registry.yml"],
            "volumes": [{"source": "/srv/registry", "target": "/my"}, USERS],
        },
    ],
    ids=["where the registry looks", "where its command says"],
)
def test_secrets_are_made_where_a_configuration_file_looks_for_them(raw: dict[str, object]) -> None:
    said = {"cat": "auth:\n  htpasswd:\n    path: /auth/users\n", "test -s": 0}
    shell = lb(said)
    provide_secrets(shell, [Service("registry", raw)])
    assert shell.plan == [
        "lb:/srv/registry $ htpasswd -Bb /srv/registry/users student student-list"
    ]


def test_a_variable_overrides_the_configuration_file() -> None:
    shell = lb({"cat": "auth:\n  htpasswd:\n    path: /auth/users\n"})
    raw = {**CONFIGURED, "environment": {"REGISTRY_AUTH_HTPASSWD_PATH": "/elsewhere"}}
    provide_secrets(shell, [Service("registry", raw)])
    assert shell.plan == []


def test_what_is_there_already_is_not_made_again() -> None:
    shell = lb({"cmp -s": 0, "test -s": 0, "htpasswd -vb": 0})
    provide_secrets(shell, [Service("registry", CERTIFIED)])
    assert shell.plan == []


KEY_LABEL, CERTIFICATE_LABEL = (f"-----BEGIN {one}-----" for one in ("PRIVATE KEY", "CERTIFICATE"))


@pytest.mark.parametrize(
    ("path", "labels", "made"),
    [
        ("/certs/tls.pem", "", "certs/lb.crt"),
        ("/certs/tls.pem", CERTIFICATE_LABEL, "certs/lb.crt"),
        ("/certs/tls.pem", f"{CERTIFICATE_LABEL}\n{CERTIFICATE_LABEL}", "certs/lb.crt"),
        ("/certs/tls.pem", KEY_LABEL, "certs/lb.key"),
        ("/certs/tls.crt", "-----BEGIN EC PRIVATE KEY-----", "certs/lb.key"),
        ("/certs/tls.pem", "-----BEGIN CERTIFICATE REQUEST-----", "certs/lb.crt"),
        ("/certs/tls.key", "", "certs/lb.key"),
        ("/certs/tls.KEY", "", "certs/lb.key"),
        ("/certs/tls.KEY", CERTIFICATE_LABEL, "certs/lb.crt"),
        ("/certs/tls.crt", f"{CERTIFICATE_LABEL}\n{KEY_LABEL}", "certs/lb.pem"),
    ],
)
def test_a_key_in_the_certificates_place_stays_one(path: str, labels: str, made: str) -> None:
    raw = {"environment": {"REGISTRY_HTTP_TLS_CERTIFICATE": path},
           "volumes": [{"source": "/srv/registry/certs", "target": "/certs"}]}  # fmt: skip
    shell = lb({"grep -ho": labels} if labels else {})
    provide_secrets(shell, [Service("registry", raw)])
    assert shell.plan[-1] == (
        f"lb:/srv/registry $ sudo install -D -m 644 {made} /srv/registry{path}"
    )
    both = "lb:/srv/registry $ cat certs/lb.crt certs/lb.key > certs/lb.pem"
    assert (both in shell.plan) == (made == "certs/lb.pem")


def test_a_registry_without_settings_gets_no_secrets() -> None:
    shell = lb()
    provide_secrets(shell, [Service("registry", {}), Service("ui", {"environment": None})])
    assert shell.plan == []


UI = "services:\n  ui:\n    image: joxit/docker-registry-ui\n"


@pytest.mark.parametrize(
    ("path", "home"),
    [("registry/ui.yml", "/srv/registry"), ("registry-ui/ui.yml", "/srv/registry-page")],
)
def test_a_page_of_its_own_file_is_started_after_the_registry(path: str, home: str) -> None:
    files = {**API_LAYOUT, "registry/compose.yml": "services: {r: {image: 'registry:2'}}", path: UI}
    machines = Machines()
    plan = machines.plan(8, submitted(files))
    ups = [line for line in plan if "up -d" in line]
    assert ups == [
        f"lb:/srv/registry $ {composed('up -d --quiet-pull', REGISTRY_FILE)}",
        f"lb:{home} $ {composed('up -d --quiet-pull', f'{home}/ui.yml')}",
    ]
    assert f"{JUDGED}{home}/ui.yml" in machines.shells["lb"].files


def test_the_registrys_address_is_lbs_before_anything_is_judged() -> None:
    files = {**API_LAYOUT, "registry/compose.yml": "services: {r: {image: 'registry:2'}}"}
    files["registry/compose.yml"] += "\n# http://10.0.0.9:5000\n"
    machines = Machines({"lb": {"! grep": 1}})
    plan = machines.plan(8, submitted(files))
    (line,) = [one for one in plan if "sed -i" in one]
    assert line.startswith("lb:/srv/registry $ grep -rlIwF -- 10.0.0.9 . | xargs sed -i ")
    assert plan.index(line) < plan.index(next(one for one in plan if "up -d" in one))


def test_a_harmful_registry_is_not_started() -> None:
    shell = lb()
    commands = [words("docker network create n"), words("docker run --pid host registry:2")]
    with pytest.raises(StepFailedError, match="not started: registry asks for pid: host"):
        as_documented(shell, commands)
    assert shell.plan == [], "not even the commands before it"


def test_a_network_that_the_stack_had_made_is_made_for_the_registry() -> None:
    shell = PlannedShell("lb", lambda question: Result(question, "", "", 1))
    commands = [
        words("docker network create own"),
        words("docker run -d --network own registry:2"),
        words("docker run -d --net student-list_api -p 5000:5000 registry:2"),
        words("docker run -d --network=host registry-ui"),
        words("docker run -d --network container:x registry-ui"),
    ]
    assert networks_elsewhere(commands) == ["student-list_api"]
    provide_networks(shell, networks_elsewhere(commands))
    assert shell.plan == ["lb $ docker network create student-list_api"]


def test_documented_commands_are_typed_as_they_stand_and_not_waited_for() -> None:
    shell = lb()
    as_documented(shell, [words("docker run -e 'A=b c' registry:2; reboot")])
    assert shell.plan == ["lb:/srv/registry $ docker run -d -e 'A=b c' 'registry:2;' reboot"]


# -- whole steps


def submitted(files: Mapping[str, str], *, fill: bool = True) -> Submission:
    data = {path: text.encode() for path, text in files.items()}
    return recognise(data, REFERENCE, ReadingRules(fill))


def answering(facts: Facts) -> Callable[[str], Result]:
    """Answers from facts, on machines without links."""
    other = from_facts(facts)

    def answer(question: str) -> Result:
        words = shlex.split(question)
        if "realpath" not in words:
            return other(question)
        return Result(question, "\0".join([*words[words.index("--") + 1 :], ""]), "", 0)

    return answer


class Machines:
    """Machines where everything that a step asks for is there, except what `facts` say."""

    USUAL: ClassVar[dict[str, str | int]] = {
        "test -w /srv": 0, "tar -xzmf": 0, "/etc/os-release": "ID=debian",
    }  # fmt: skip

    def __init__(self, facts: Mapping[str, Facts] | None = None) -> None:
        usual: Facts = {**self.USUAL, CONFIG: config()}
        self.shells = {
            name: PlannedShell(name, answering({**usual, **(facts or {}).get(name, {})}))
            for name in ("web1", "web2", "lb")
        }

    def plan(self, number: int, submission: Submission) -> list[str]:
        """The commands of a step for a submission."""
        step = COURSE.step(str(number))
        assert step is not None
        call(step, self.shells, Files(COURSE.root, None, submission=submission))
        return [line for shell in self.shells.values() for line in shell.plan]

    def unpacked(self, machine: str) -> dict[str, bytes]:
        """The files of the archives that were sent."""
        found = {}
        for path, data in self.shells[machine].files.items():
            if path.endswith(".tar.gz"):
                with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                    for one in tar.getmembers():
                        file = tar.extractfile(one)
                        assert file is not None
                        found[one.name] = file.read()
        return found

    def written(self, machine: str) -> dict[str, bytes]:
        """The files that were put in place one by one."""
        files = self.shells[machine].files.items()
        return {path: data for path, data in files if not path.endswith(".tar.gz")}


CONFIG = " config --format json"  # what Compose is asked about a file that is to be started


def config(**services: Any) -> str:
    """What Compose answers."""
    return json.dumps({"name": "student-list", "services": services})


def composed(command: str, path: str = f"{HOME}/docker-compose.yml") -> str:
    """What is typed for what was judged of a file."""
    return f"{shlex.join(by_judged(path))} {command}"


API_LAYOUT = {
    "api/Dockerfile": BUILD,
    "docker-compose.yml": "services:\n  php: {image: 'php:apache'}\n  age: {image: 'age:1'}\n",
    "html/index.php": "<?php",
    "notes.txt": "mine",
}


def test_step_2_brings_all_files_and_the_given_ones_where_the_dockerfile_is() -> None:
    machines = Machines()
    assert machines.plan(2, submitted(API_LAYOUT)) == [
        f"web1 $ nano {HOME}/api/student_age.py",
        f"web1 $ nano {HOME}/api/requirements.txt",
        f"web1 $ nano {HOME}/api/student_age.json",
        f"web1 $ nano {HOME}/html/index.php",
        f"web1 $ nano {HOME}/api/Dockerfile",
    ]
    assert set(machines.unpacked("web1")) == set(API_LAYOUT)
    assert machines.written("web1")[f"{HOME}/api/Dockerfile"] == BUILD.encode()
    starter = ROOT / "steps" / "starter" / "simple_api" / "student_age.py"
    assert machines.written("web1")[f"{HOME}/api/student_age.py"] == starter.read_bytes()


def test_a_given_file_that_was_changed_stays_changed() -> None:
    machines = Machines()
    machines.plan(
        2, submitted({"simple_api/student_age.py": "mine", "simple_api/Dockerfile": BUILD})
    )
    assert machines.written("web1")[f"{HOME}/simple_api/student_age.py"] == b"mine"


def test_step_3_builds_the_folder_of_the_dockerfile() -> None:
    assert Machines().plan(3, submitted(API_LAYOUT)) == [
        f"web1:{HOME} $ docker build -t student-age:1.0 api"
    ]


REGISTRY_FILE = "/srv/registry/docker-compose-registry.yml"
WWW = {"type": "volume", "source": "www", "target": "/var/www/html"}
BUILT = f"{HOME}/compose.yaml"
BUILDS = {
    "docker/api.Dockerfile": BUILD,
    "compose.yaml": """\
services:
  php: {image: "php:apache"}
  age: {build: {context: ., dockerfile: docker/api.Dockerfile, target: run, args: {V: "1 2"}}}
""",
}


def test_step_3_builds_as_the_compose_file_says() -> None:
    options = "-f docker/api.Dockerfile --target run --build-arg 'V=1 2'"
    assert Machines().plan(3, submitted(BUILDS)) == [
        f"web1:{HOME} $ docker build -t student-age:1.0 {options} ."
    ]


def test_step_5_names_the_image_as_the_file_wants_it() -> None:
    facts = {"web1": {CONFIG: config(php={"image": "php:apache"}, age={"image": "age:1"})}}
    http = "--add-service=http"
    assert Machines(facts).plan(5, submitted(API_LAYOUT)) == [
        "web1 $ docker tag student-age:1.0 age:1",
        f"web1 $ sudo firewall-cmd --permanent {http} && sudo firewall-cmd {http}",
        f"web1:{HOME} $ {composed('up -d --quiet-pull')}",
    ]


def test_step_5_leaves_the_name_of_what_compose_builds_to_compose() -> None:
    services = {"php": {"image": "php:apache"}, "age": {"build": {"context": HOME}}}
    plan = Machines({"web1": {CONFIG: config(**services)}}).plan(5, submitted(BUILDS))
    assert not any("docker tag" in line for line in plan)
    assert f"web1:{HOME} $ {composed('up -d --quiet-pull', BUILT)}" in plan


def test_step_5_starts_nothing_that_would_take_hold_of_the_machine() -> None:
    services = {"php": {"image": "php"}, "age": {"image": "student-age", "privileged": True}}
    machines = Machines({"web1": {CONFIG: config(**services)}})
    with pytest.raises(StepFailedError, match="age asks for privileged"):
        machines.plan(5, submitted(API_LAYOUT))
    assert machines.shells["web1"].plan == []


def test_a_stack_with_another_name_and_folder_is_named_to_compose() -> None:
    files = {"deploy/prod-compose.yml": API_LAYOUT["docker-compose.yml"], "a.txt": ""}
    machines = Machines()
    assert machines.plan(4, submitted(files)) == [
        f"web1 $ nano {HOME}/deploy/prod-compose.yml",
    ]


def test_a_name_that_a_browser_has_given_is_quoted() -> None:
    files = {"docker-compose (1).yml": API_LAYOUT["docker-compose.yml"], "a.txt": ""}
    assert Machines().plan(5, submitted(files))[-1] == (
        f"web1:{HOME} $ {composed('up -d --quiet-pull', f'{HOME}/docker-compose (1).yml')}"
    )


def test_a_stack_beside_a_registry_that_compose_would_find_first_is_named_to_it() -> None:
    files = {
        "compose.yaml": "services: {registry: {image: 'registry:2'}}",
        "docker-compose.yml": API_LAYOUT["docker-compose.yml"],
    }
    submission = submitted(files)
    assert submission.sources["docker-compose.yml"] == "docker-compose.yml"
    assert Machines().plan(5, submission)[-1] == (f"web1:{HOME} $ {composed('up -d --quiet-pull')}")


def test_a_file_that_holds_the_registry_too_is_started_in_parts() -> None:
    both = (
        API_LAYOUT["docker-compose.yml"].replace("age:1", "student-age:1")
        + "  store: {image: 'registry:2'}\n"
    )
    submission = submitted({"docker-compose.yml": both})
    up = next(line for line in Machines().plan(5, submission) if "up -d" in line)
    assert up == f"web1:{HOME} $ {composed('up -d --quiet-pull php age')}"
    up = next(line for line in Machines().plan(8, submission) if "up -d" in line)
    assert up == (f"lb:/srv/registry $ {composed('up -d --quiet-pull store', REGISTRY_FILE)}")


def test_step_6_puts_the_page_where_the_student_has_it() -> None:
    facts = {"web1": {CONFIG: config(php={"image": "php:apache"}, age={"image": "age:1"})}}
    assert Machines(facts).plan(6, submitted(API_LAYOUT)) == [
        f"web1 $ nano {HOME}/html/index.php",
    ]


@pytest.mark.parametrize(("number", "machine"), [(6, "web1"), (10, "web2")])
def test_what_mounts_the_page_by_itself_is_restarted(number: int, machine: str) -> None:
    """A config, or a mount of the file alone: the container holds the file it began with."""
    facts: Facts = {f"docker ps -q --filter volume={HOME}/html/index.php": "a1\nb2\n"}
    plan = Machines({machine: facts}).plan(number, submitted(API_LAYOUT))
    placed = plan.index(f"{machine} $ nano {HOME}/html/index.php")
    assert plan[placed + 1] == f"{machine} $ docker restart -t 1 a1 b2"


def test_step_8_types_the_documented_commands_and_step_9_nothing() -> None:
    submission = submitted(
        {"README.md": "docker network create n\ndocker run --net n registry:2\n"}
    )
    plan = Machines().plan(8, submission)
    at = plan.index("lb:/srv/registry $ docker network create n")
    assert plan[at + 1] == "lb:/srv/registry $ docker run -d --net n registry:2"
    assert not any("docker compose" in line for line in plan)
    assert "web1 $ docker push lb:5000/student-age:1.0" in plan
    assert Machines().plan(9, submission) == []


def test_step_8_starts_all_of_a_students_own_file_with_its_neighbours() -> None:
    machines = Machines()
    store = "services: {store: {image: 'registry:2'}}"
    own = {"reg/compose.yml": store, "reg/config.yml": "version: 0.1", "x.txt": ""}
    plan = machines.plan(8, submitted(own))
    assert plan[-1].endswith("docker-compose-registry.yml up -d --quiet-pull")
    assert set(machines.unpacked("lb")) == {"compose.yml", "config.yml"}
    assert b"store" in machines.written("lb")["/srv/registry/docker-compose-registry.yml"]


def test_step_10_gives_the_pushed_image_the_name_that_the_file_wants() -> None:
    facts = {"web2": {CONFIG: config(php={"image": "php:apache"}, age={"image": "age:1"})}}
    plan = Machines(facts).plan(10, submitted(API_LAYOUT))
    assert plan[-3:] == [
        "web2 $ docker pull --quiet lb:5000/student-age:1.0",
        "web2 $ docker tag lb:5000/student-age:1.0 age:1",
        f"web2:{HOME} $ {composed('up -d --no-build')}",
    ]


def test_step_10_builds_the_website_and_not_the_api() -> None:
    services = {"php": {"build": {"context": "php"}, "volumes": [WWW]},
                "age": {"build": {"context": "api"}}}  # fmt: skip
    plan = Machines({"web2": {CONFIG: config(**services)}}).plan(10, submitted(BUILDS))
    assert plan[-4:] == [
        "web2 $ docker pull --quiet lb:5000/student-age:1.0",
        "web2 $ docker tag lb:5000/student-age:1.0 student-list-age",
        f"web2:{HOME} $ {composed('build --quiet php', BUILT)}",
        f"web2:{HOME} $ {composed('up -d --no-build', BUILT)}",
    ]


def test_a_network_that_is_made_by_hand_is_there_before_the_stack_is_started() -> None:
    text = API_LAYOUT["docker-compose.yml"] + "networks: {default: {name: n, external: true}}\n"
    files = {**API_LAYOUT, "docker-compose.yml": text, "README.md": "docker network create n\n"}
    plan = Machines().plan(5, submitted(files))
    assert plan[-2:] == [
        "web1 $ docker network create n",
        f"web1:{HOME} $ {composed('up -d --quiet-pull')}",
    ]


AGE = "services:\n  php: {image: 'php:apache'}\n  age: {image: 'age:1'}\n"
OF_WEB2 = {**API_LAYOUT, "lb/haproxy.cfg": "", "web2/docker-compose.yml": AGE}


def test_web1_starts_its_own_where_web2_has_another() -> None:
    assert Machines().plan(5, submitted(OF_WEB2))[-1] == (
        f"web1:{HOME} $ {composed('up -d --quiet-pull')}"
    )


def test_a_page_in_a_file_is_started_beside_a_registry_that_notes_set_up() -> None:
    page = "services:\n  ui:\n    image: joxit/docker-registry-ui:2\n"
    files = {"ui/page.yml": page, "README.md": "docker run -d -p 5000:5000 registry:2\n"}
    machines = Machines({"lb": {CONFIG: config(ui={"image": "joxit/docker-registry-ui:2"})}})
    plan = [line for line in machines.plan(8, submitted(files)) if line.startswith("lb:")]
    home = "/srv/registry-page"
    started = composed("up -d --quiet-pull", f"{home}/page.yml")
    assert "lb:/srv/registry $ docker run -d -p 5000:5000 registry:2" in plan
    assert f"lb:{home} $ {started}" in plan


def test_step_10_starts_the_file_that_web2_has_of_its_own() -> None:
    own = f"{HOME}/web2/docker-compose.yml"
    pulled = {"age": {"image": "lb:5000/student-age:1.0"}}
    machines = Machines({"web2": {CONFIG: config(**pulled)}})
    plan = machines.plan(10, submitted(OF_WEB2))
    assert plan[-2:] == [
        f"web2:{HOME}/web2 $ {composed('pull --quiet', own)}",
        f"web2:{HOME}/web2 $ {composed('up -d', own)}",
    ]
    assert not [line for line in plan if f"web2:{HOME} $" in line]


@pytest.mark.parametrize("carried", [False, True])
def test_step_10_builds_on_web2_what_its_own_file_builds(carried: bool) -> None:
    building = AGE.replace("image: 'age:1'", "build: ../api")
    submission = submitted({**OF_WEB2, "web2/docker-compose.yml": building})
    if carried:  # the Dockerfile is the reference's: the student's would not build
        submission = carry_forward(submission, "simple_api/Dockerfile", REFERENCE)
    services = {"age": {"build": {"context": f"{HOME}/api"}, "volumes": [WWW]}}
    plan = Machines({"web2": {CONFIG: config(**services)}}).plan(10, submission)
    own = f"{HOME}/web2/docker-compose.yml"
    how = "up -d --no-build" if carried else "up -d --build"
    assert plan[-1] == f"web2:{HOME}/web2 $ {composed(how, own)}"


def test_a_stack_that_is_carried_forward_leaves_web2_nothing_of_its_own() -> None:
    given = carry_forward(submitted(OF_WEB2), "docker-compose.yml", REFERENCE)
    assert not [name for name in given.options if name.startswith("second-server:")]


@pytest.mark.parametrize(("socket", "moved"), [("/dev/log", True), ("127.0.0.1:514", False)])
def test_the_rule_of_debians_package_is_in_force_for_a_socket_alone(
    socket: str, moved: bool
) -> None:
    cfg = f"global\n  log {socket} local0\nbackend my-backend\n  server a 10.0.0.1:80\n"
    rule = "/etc/rsyslog.d/49-haproxy.conf"
    for there in (True, False):
        facts = {f"test -e {rule} ||": 0 if there else 1, f"test ! -e {rule}": 1 if there else 0}
        machines = Machines({"lb": facts})
        plan = machines.plan(11, submitted({"haproxy.cfg": cfg, "x.txt": ""}))
        typed = [line for line in plan if f"sudo mv {rule}" in line]
        needed = there is not moved
        back = f"{rule}.packaged {rule}" if moved else f"{rule} {rule}.packaged"
        assert typed == [f"lb $ sudo mv {back} && sudo systemctl restart rsyslog"][: int(needed)]


def test_step_11_opens_the_ports_that_the_configuration_binds() -> None:
    cfg = "frontend a\n  bind *:8080\n  bind :443\nbackend my-backend\n  server a 10.0.0.1:80\n"
    machines = Machines()
    plan = machines.plan(11, submitted({"haproxy.cfg": cfg, "x.txt": ""}))
    assert [line for line in plan if "--permanent" in line] == [
        f"lb $ sudo firewall-cmd --permanent --add-port={port}/tcp"
        f" && sudo firewall-cmd --add-port={port}/tcp"
        for port in (443, 8080)
    ]
    assert b"server a web1:80" in machines.written("lb")["/etc/haproxy/haproxy.cfg"]


def test_without_filling_nothing_of_the_courses_is_put_in_place() -> None:
    machines = Machines()
    plan = machines.plan(4, submitted({"simple_api/Dockerfile": BUILD}, fill=False))
    assert machines.written("web1") == {}
    assert plan == []


def test_a_script_that_may_be_executed_stays_so(tmp_path: Path) -> None:
    """COPY keeps the mode: ENTRYPOINT ["./start.sh"] works for the student, and here not."""
    (tmp_path / "Dockerfile").write_text(BUILD + 'COPY start.sh /\nENTRYPOINT ["/start.sh"]\n')
    (tmp_path / "start.sh").write_text("#!/bin/sh\nexec python student_age.py\n")
    (tmp_path / "start.sh").chmod(0o755)
    machines = Machines()
    machines.plan(2, recognise(read_folder(tmp_path).files, REFERENCE))
    (archive,) = [
        data for path, data in machines.shells["web1"].files.items() if path.endswith(".tar.gz")
    ]
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert tar.getmember("start.sh").mode & 0o111


def asked_by_bring(submission: Submission | None, **services: Any) -> list[str]:
    """The images that the beginning of step 10 asks for, quietly."""
    asked: list[str] = []
    answer = answering(Machines.USUAL | {CONFIG: config(**services)})

    def remembered(question: str) -> Result:
        asked.append(question)
        return answer(question)

    bring(
        {"web2": PlannedShell("web2", remembered)}, Files(COURSE.root, None, submission=submission)
    )
    return [one for one in asked if " pull " in one]


def test_step_10_begins_with_the_image_of_the_website() -> None:
    both = {"php": {"image": "php:apache"}, "age": {"image": "age:1"}}
    assert asked_by_bring(submitted(API_LAYOUT), **both) == [
        f"cd {HOME} && {composed('pull --quiet php')}"
    ]


def test_what_is_built_or_refused_or_a_students_own_machines_is_not_pulled_early() -> None:
    age = {"image": "age:1"}
    built = {"image": "php:apache", "build": {"context": HOME}}
    assert asked_by_bring(submitted(API_LAYOUT), php=built, age=age) == []
    harmful = {"image": "php:apache", "privileged": True}
    assert asked_by_bring(submitted(API_LAYOUT), php=harmful, age=age) == []
    assert asked_by_bring(None, php={"image": "php:apache"}, age=age) == []


@pytest.mark.parametrize("image", ["lb:5000/student-age", "lb:5000/m2/student-age:1.0"])
def test_web2_pulls_what_its_file_asks_the_registry_for(image: str) -> None:
    machines = Machines({"web2": {CONFIG: config(age={"image": image})}})
    plan = machines.plan(10, submitted(OF_WEB2))
    assert not [line for line in plan if line.startswith("web2 $ docker tag ")]
    assert (
        f"web2:{HOME}/web2 $ {composed('pull --quiet', f'{HOME}/web2/docker-compose.yml')}" in plan
    )


def test_the_image_is_pushed_under_each_name_that_it_is_asked_for() -> None:
    notes = "docker push lb:5000/m2/student-age:1.0\ndocker push lb:5000/student-age:1.0\n"
    plan = Machines().plan(8, submitted({**OF_WEB2, "README.md": notes}))
    pushes = [line.rpartition(" ")[2] for line in plan if "web1 $ docker push" in line]
    assert pushes == ["lb:5000/student-age:1.0", "lb:5000/m2/student-age:1.0"]


SITE = {"environment": {"USERNAME": "toto"}, "ports": ["80:80"]}
OWN_SITE = {
    **API_LAYOUT,
    "docker-compose.yml": json.dumps({"services": {
        "site": {"build": "web", **SITE}, "age": {"image": "age:1"}}}),
    "web2/docker-compose.yml": json.dumps({"services": {
        "site": {"image": "lb:5000/m2/site:1", **SITE}, "age": {"image": "lb:5000/student-age"}}}),
    "web/Dockerfile": "FROM php:apache\n",
}  # fmt: skip


def test_the_websites_image_is_pushed_where_web2_asks_for_it() -> None:
    built = config(site={**SITE, "build": {"context": "web"}, "ports": []})
    plan = Machines({"web1": {CONFIG: built}}).plan(8, submitted(OWN_SITE))
    assert [line for line in plan if line.startswith("web1")][-3:] == [
        f"web1:{HOME} $ {composed('build --quiet site')}",
        "web1 $ docker tag student-list-site lb:5000/m2/site:1",
        "web1 $ docker push lb:5000/m2/site:1",
    ]


@pytest.mark.parametrize("age", [{"image": "age:1"}, {"image": "age:1", "privileged": True}])
def test_a_stack_without_a_website_or_that_is_refused_has_none_to_push(age: dict[str, Any]) -> None:
    facts = {"web1": {CONFIG: config(age=age)}}
    plan = Machines(facts).plan(8, submitted(OWN_SITE))
    pushes = [line.rpartition(" ")[2] for line in plan if " docker push " in line]
    assert pushes == ["lb:5000/student-age:1.0", "lb:5000/student-age"]


def test_web2_starts_the_same_stack_with_variables_of_its_own() -> None:
    files = {"web.yml": AGE, "all.env": "A=1\n", "web2.env": "A=2\n",
             "README.md": "docker compose --env-file all.env -f web.yml up\n"
             "docker compose --env-file web2.env -f web.yml up\n"}  # fmt: skip
    for machine, own in (("web1", "all"), ("web2", "web2")):
        stack = stack_of(Files(COURSE.root, None, submission=submitted(files)), machine)
        assert stack.options == (f"--env-file={own}.env",)


def test_the_registrys_values_lie_beside_its_file() -> None:
    files = {"lb/store.yml": "services:\n  store:\n    image: ${STORE}\n    ports: ['5000:5000']\n",
             "env/lb.env": "STORE=registry:2\n", "web.yml": AGE,
             "README.md": "docker compose --env-file env/lb.env -f lb/store.yml up\n"}  # fmt: skip
    machines = Machines({"lb": {CONFIG: config(store={"image": "registry:2"})}})
    machines.plan(8, submitted(files))
    assert machines.written("lb")["/srv/registry/.env"] == b"STORE=registry:2\n"


@pytest.mark.parametrize(
    ("header", "is_added"),
    [
        ("Basic bWU6c2VjcmV0", True),  # me:secret
        ("Basic bWU6c2VjcmV0Cg==", False),  # as echo without -n writes it
        ("Basic bWU=", False), ("Basic !", False), ("Bearer bWU6c2VjcmV0", False),
    ],
)  # fmt: skip
def test_who_a_page_says_it_is_may_use_the_registry(header: str, is_added: bool) -> None:
    shell = lb()
    page = {"environment": {"NGINX_PROXY_HEADER_Authorization": header}}
    provide_secrets(shell, [Service("registry", CERTIFIED), Service("page", page)])
    added = [line for line in shell.plan if "sudo htpasswd -Bb /srv/registry/auth/users" in line]
    assert [line.rpartition("users ")[2] for line in added] == ["me secret"] * is_added


def test_a_page_may_say_who_it_is_in_a_file() -> None:
    shell = lb(
        {"/srv/registry/nginx/.env": "A=1\nNGINX_PROXY_HEADER_Authorization=Basic bWU6eA==\n"}
    )
    mount = {"source": "/srv/registry/nginx/.env", "target": "/etc/nginx/.env", "type": "bind"}
    assert page_logins(shell, Service("page", {"volumes": [mount]})) == [("me", "x")]


def test_what_leads_out_of_the_registrys_folder_is_brought_with_it() -> None:
    mounts = "volumes: ['../auth:/auth', '../users:/users']"
    ports = "ports: ['5000:5000']"
    file = f"services:\n  store:\n    image: registry:2\n    {ports}\n    {mounts}\n"
    files = {"lb/reg/store.yml": file, "lb/auth/x": "1", "lb/users": "2", "web.yml": AGE}
    machines = Machines({"lb": {CONFIG: config(store={"image": "registry:2"})}})
    machines.plan(8, submitted(files))
    assert {"x": b"1", "users": b"2"}.items() <= machines.unpacked("lb").items()


def test_a_folder_that_mount_wants_is_there_before() -> None:
    binds = ("source=data,target=/a", "src=/srv/registry/auth/htpasswd,dst=/c",
             "src=./config.yml,dst=/d")  # fmt: skip
    words = [word for one in binds for word in ("--mount", f"type=bind,{one}")]
    command = ["docker", "run", *words, "-v", "./made:/b", "--mount", "source=x,target=/e", "x"]
    assert needed_folders([command], "/srv/registry") == ["/srv/registry/data"]


def test_a_network_may_be_joined_under_another_name() -> None:
    join = shlex.split("docker network connect --alias hub --ip 172.30.0.5 net registry")
    assert document_of([join], "/srv/registry") == {"services": {}, "networks": {}, "volumes": {}}
    after = shlex.split("docker network connect net registry --alias hub")
    assert document_of([after], "/srv/registry")["networks"] == {}
    assert document_of([["docker", "network", "connect", "net"]], "/srv")["networks"] != {}
    odd = shlex.split("docker network connect net registry --driver-opt a=b")
    assert document_of([odd], "/srv/registry")["networks"] != {}


@pytest.mark.parametrize("runs", [True, False])
def test_a_page_that_does_not_start_leaves_the_registry_its_push(
    monkeypatch: pytest.MonkeyPatch, runs: bool
) -> None:
    """As where it waits for a health check that never holds; that is for the page's step to say."""

    def unhealthy(shell: PlannedShell, command: str, **_where: str) -> None:
        raise CommandFailedError(shell.name, Result(command, "", "dependency failed to start", 1))

    monkeypatch.setattr(s08_registry, "run_twice", unhealthy)
    files = {"store.yml": "services:\n  store:\n    image: registry:2\n    ports: ['5000:5000']\n",
             "web.yml": AGE}  # fmt: skip
    store = {"Id": "1", "Name": "/s", "Image": "i", "Config": {"Image": "registry:2"},
             "State": {"Running": runs, "Status": "running", "ExitCode": 0, "Pid": 1},
             "HostConfig": {"RestartPolicy": {"Name": "no"}}, "NetworkSettings": {
                 "Ports": {"5000/tcp": [{"HostPort": "5000"}]}, "Networks": {}}}  # fmt: skip
    facts: Facts = {CONFIG: config(store={"image": "registry:2"}),
                    "docker inspect": json.dumps([store])}  # fmt: skip
    machines = Machines({"lb": facts})
    if not runs:
        with pytest.raises(CommandFailedError):
            machines.plan(8, submitted(files))
        return
    assert "web1 $ docker push lb:5000/student-age:1.0" in machines.plan(8, submitted(files))


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("network create --driver bridge net", "net"), ("network create net -d bridge", "net"),
        ("network create net --driver=bridge", "net"), ("network create --internal net", "net"),
        ("volume create", ""), ("volume create --label a=b data", "data"),
    ],
)  # fmt: skip
def test_what_is_made_has_its_name_before_its_options_or_behind(command: str, name: str) -> None:
    assert name_of(["docker", *shlex.split(command)]) == name


@pytest.mark.parametrize("place", ["{} evil", "evil {}"])
def test_what_a_volume_asks_for_is_seen_wherever_it_stands(place: str) -> None:
    given = "--driver local --opt type=none --opt o=bind --opt device=/"
    words = shlex.split(f"docker volume create {place.format(given)}")
    found = document_of([words], "/srv/registry")
    assert found["volumes"]["create 1"]["driver_opts"]["device"] == "/"
    assert [*asked_for(found, "/srv/registry")]


@pytest.mark.parametrize("removes", [True, False])
def test_a_page_takes_the_registry_away_if_its_own_up_does(removes: bool) -> None:
    page = "services:\n  ui:\n    image: joxit/docker-registry-ui:2\n"
    store = "services:\n  store:\n    image: registry:2\n    ports: ['5000:5000']\n"
    up = f"docker compose -f page.yml up -d{' --remove-orphans' * removes}\n"
    machines = Machines({"lb": {CONFIG: config(ui={"image": "joxit/docker-registry-ui:2"})}})
    plan = machines.plan(8, submitted({"page.yml": page, "store.yml": store, "README.md": up}))
    started = [line for line in plan if "page.yml" in line and " up " in line]
    assert [line.endswith(" --remove-orphans") for line in started] == [removes]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("lb.yml", "- docker_container: {image: 'registry:2', volumes: ['/:/x']}\n"),
        ("lb.yml", "- tasks:\n  - shell: docker run -v /:/x registry:2\n"),
        ("x.service", "[Service]\nExecStart=/usr/bin/docker run -v /:/x registry:2\n"),
        ("rapport.tex", "\\begin{lstlisting}\ndocker run -v /:/x registry:2\n\\end{lstlisting}\n"),
        ("notes.csv", "lb;docker run -v /:/x registry:2\n"),
    ],
)  # fmt: skip
def test_harm_is_seen_in_whatever_notation(path: str, text: str) -> None:
    with pytest.raises(StepFailedError, match="asks for /"):
        Machines().plan(8, submitted({path: text, "web.yml": AGE}))


def test_a_file_whose_folder_is_another_is_named_to_compose() -> None:
    up = "docker compose --project-directory . -f docker/compose.yml up -d\n"
    given = submitted({"docker/compose.yml": AGE, "README.md": up, "x/y": "z"})
    stack = stack_of(Files(COURSE.root, None, submission=given))
    assert stack.options == ("--project-directory=..",)
    assert stack.by_name
