"""What the Docker Engine of a machine says: images, containers, and an image tried out."""

from __future__ import annotations

import json
import re
import shlex
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from checks.foreign import as_json, is_readable
from labkit.course import CannotTellError, expect, not_met
from labkit.locale import _
from labkit.remote import Shell

API_PATH = "/pozos/api/v1.0/get_student_ages"
API_PORT = 5000
DATA_FILE = "/data/student_age.json"
CREDENTIALS = ("toto", "python")
START_LIMIT_S = 15.0
LARGEST_ANSWER = 1_000_000  # bytes that are looked at
PROBE_LABEL = "io.labkit.probe"


def normal(name: str) -> str:
    """An image's or repository's own name, without registry, tag, and the usual separators."""
    last = name.partition("@")[0].rsplit("/", 1)[-1].partition(":")[0]
    return re.sub(r"[-_.]", "", last.lower())


def is_student_age(name: str) -> bool:
    """Whether a name stands for the API's image, however it is spelt."""
    return normal(name).startswith("studentage")


@dataclass(frozen=True)
class Image:
    """An image on a machine; `config` is its Config as `docker image inspect` gives it."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    config: dict[str, Any]
    created: str  # ISO 8601: sorts as text

    @property
    def is_named_here(self) -> bool:
        """Whether it has a name of this machine's own, and not only one to push it under."""
        return any(is_student_age(tag) and "/" not in tag for tag in self.tags)


@dataclass(frozen=True)
class Container:
    """A container on a machine, `raw` as `docker inspect` gives it."""

    raw: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.raw["Id"])

    @property
    def name(self) -> str:
        return str(self.raw["Name"]).lstrip("/")

    @property
    def image(self) -> str:
        return str(self.raw["Config"]["Image"])

    @property
    def image_id(self) -> str:
        return str(self.raw["Image"])

    @property
    def running(self) -> bool:
        return bool(self.raw["State"]["Running"]) and not self.raw["State"].get("Restarting")

    @property
    def state(self) -> str:
        state = self.raw["State"]
        return _("{status} (exit code {code})", status=state["Status"], code=state["ExitCode"])

    @property
    def engine_failed(self) -> str:
        """The engine's own error, if it could not even begin to start the container.

        The runtime's first process is lost now and then on a busy computer (seen once in some
        hundred starts here); whoever wrote the compose file has no part in that.
        """
        error = str(self.raw["State"].get("Error") or "")
        return error if "waiting for init" in error else ""

    @property
    def pid(self) -> int:
        return int(self.raw["State"]["Pid"])

    @property
    def labels(self) -> dict[str, str]:
        labels = self.raw["Config"].get("Labels") or {}
        return {str(name): str(value) for name, value in labels.items()}

    @property
    def restart_policy(self) -> str:
        return str(self.raw["HostConfig"]["RestartPolicy"]["Name"] or "no")

    @property
    def environment(self) -> dict[str, str]:
        pairs = (entry.partition("=") for entry in self.raw["Config"].get("Env") or [])
        return {name: value for name, _equals, value in pairs}

    @property
    def addresses(self) -> list[str]:
        networks = self.raw["NetworkSettings"]["Networks"].values()
        return [str(network["IPAddress"]) for network in networks if network.get("IPAddress")]

    @property
    def published(self) -> dict[int, int]:
        """Container port -> port on the machine; on the machine's own network all are there."""
        if self.raw["HostConfig"].get("NetworkMode") == "host":
            exposed = self.raw["Config"].get("ExposedPorts") or {}
            return {int(port.partition("/")[0]): int(port.partition("/")[0]) for port in exposed}
        ports = self.raw["NetworkSettings"].get("Ports") or {}
        return {
            int(inside.partition("/")[0]): int(bindings[0]["HostPort"])
            for inside, bindings in ports.items()
            if bindings
        }


def images(shell: Shell) -> list[Image]:
    """Every tagged image."""
    answer = shell.ask(
        "docker image ls -q --filter dangling=false | sort -u | xargs -r docker image inspect"
    )
    return [
        Image(
            id=str(one["Id"]),
            tags=tuple(map(str, one.get("RepoTags") or ())),
            digests=tuple(map(str, one.get("RepoDigests") or ())),
            config=one.get("Config") or {},
            created=str(one.get("Created") or ""),
        )
        for one in inspected(shell, answer.stdout)
    ]


def inspected(shell: Shell, said: str) -> list[dict[str, Any]]:
    """What `docker inspect` said: the records; failed if they cannot be read."""
    found = as_json(said or "[]")
    if not isinstance(found, list) or not all(_is_record(one) for one in found):
        not_met(
            expected=_("what docker inspect says can be read"),
            seen=said[-120:],
            where=f"{shell.name} $ docker inspect",
        )
    return found


def _is_record(one: Any) -> bool:
    """Whether it has an id, and mappings and lists where an image or a container has them."""
    if not isinstance(one, dict) or not isinstance(one.get("Id"), str):
        return False
    kinds = {"Config": dict, "RepoTags": list, "RepoDigests": list}
    return all(isinstance(one.get(key) or kind(), kind) for key, kind in kinds.items())


def api_image(found: list[Image]) -> Image | None:
    """The API's image among those of a machine: the last one built, not one pushed before."""
    mine = [one for one in found if any(is_student_age(tag) for tag in one.tags)]
    return max(mine, key=lambda one: (one.is_named_here, one.created), default=None)


# What an engine says when it could not ask anybody who has images: nobody's mistake.
NOBODY_TO_ASK = ("no such host", "i/o timeout", "connection refused", "network is unreachable",
                 "TLS handshake timeout", "failed to do request", "temporary failure")  # fmt: skip


def must_be_had(text: str, image: str, machine: str) -> None:
    """CannotTellError if an engine failed to get an image because nobody could be asked for it."""
    if any(sign.lower() in text.lower() for sign in NOBODY_TO_ASK):
        raise CannotTellError(
            _(
                "{machine} cannot get the image {image}: the mirror has it not, and no registry "
                "can be reached",
                machine=machine,
                image=image,
            ),
            settle=f"docker pull {image}; labkit bundle --add {image}",
        )


def must_have_images(shell: Shell, images: Iterable[str]) -> None:
    """CannotTellError if one of these images is not on the machine and cannot be had there."""
    for image in filter(None, images):
        name = shlex.quote(image)
        answer = shell.ask(
            f"docker image inspect {name} >/dev/null 2>&1 || docker pull -q {name} 2>&1", timeout=60
        )
        if not answer.ok:
            must_be_had(answer.said, image, shell.name)


def containers(shell: Shell) -> list[Container]:
    """Every container, running or not, those of the grader apart."""
    answer = shell.ask("docker ps -aq | xargs -r docker inspect")
    found = [Container(raw) for raw in inspected(shell, answer.stdout)]
    if not all(is_readable(one) for one in found):
        not_met(
            expected=_("what docker inspect says can be read"),
            seen=answer.stdout[-120:],
            where=f"{shell.name} $ docker inspect",
        )
    return [one for one in found if PROBE_LABEL not in one.labels]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as curl on a machine saw it; status 0 when there was none."""

    status: int
    body: str
    url: str
    machine: str

    def must_have(self, *, status: int) -> None:
        """End the check as failed unless the answer has this status."""
        expect(
            self.status == status,
            expected=_("HTTP status {status} from {url}", status=status, url=self.url),
            seen=_("status {status}: {body}", status=self.status, body=self.body[:200])
            if self.status
            else _("no answer"),
            where=self.machine,
        )

    def json(self) -> Any:
        """The body as JSON, or None if it is none."""
        return as_json(self.body)


def curl(
    shell: Shell, url: str, *, user: tuple[str, str] | None = None, options: Sequence[str] = ()
) -> Answer:
    """Ask from a machine, with a patience of 5 s. The status is written on a line of its own."""
    who = f"-u {shlex.quote(':'.join(user))} " if user else ""
    # Without a User-Agent, as the page asks: nothing tells the grader from a visitor's request.
    command = (
        f"out=$(mktemp); status=$(curl -s -m 5 -A '' --max-filesize {LARGEST_ANSWER} "
        f"{who}{shlex.join(options)} -o $out -w '%{{http_code}}' {shlex.quote(url)}); "
        f"head -c {LARGEST_ANSWER} $out; rm -f $out; echo; echo $status"
    )
    body, _newline, status = shell.ask(command).stdout.rstrip("\n").rpartition("\n")
    return Answer(int(status) if status.isdigit() else 0, body.rstrip("\n"), url, shell.name)


@dataclass(frozen=True)
class RunningImage:
    """The API's image, run by the grader with data of its own, to see what it does."""

    shell: Shell
    image: str
    address: str
    student: str  # a name that only the grader's data holds
    port: int = 0  # on the machine, if it was published
    age: str = "42"

    def get(self, path: str, user: tuple[str, str] | None = None) -> Answer:
        """Ask the API a question from the machine that it runs on."""
        return curl(self.shell, f"http://{self.address}:{API_PORT}{path}", user=user)


@contextmanager
def tried_out(shell: Shell, image: str, *, publish: bool = False) -> Iterator[RunningImage]:
    """Run an image for as long as the checks need it; removed afterwards whatever happens.

    Its data is a file with one student whose name nobody can know beforehand, so that a list that
    is written into the image is not taken for one that is read from /data.
    """
    student = f"probe-{uuid.uuid4().hex[:8]}"
    name = f"labkit-{student}"
    data = f"/tmp/{name}.json"
    given = json.dumps({student: RunningImage.age})
    published = f"-p {API_PORT} " if publish else ""
    try:
        started = shell.ask(
            f"echo {shlex.quote(given)} > {data} && chmod 644 {data} && "
            f"docker run -d --name {name} --label {PROBE_LABEL}=1 --memory 256m "
            f"--pids-limit 200 "
            f"{published}-v {data}:{DATA_FILE}:ro,z {shlex.quote(image)} && "
            f"{{ docker port {name} {API_PORT}/tcp 2>/dev/null | head -n 1; echo; }} && "
            f"docker inspect -f '{{{{range .NetworkSettings.Networks}}}}{{{{.IPAddress}}}}"
            f"{{{{end}}}}' {name}",
            timeout=60,
        )
        if not started.ok:
            _say_why_not_started(shell, image, started.said)
        lines = started.text.splitlines()
        port = next((line.rpartition(":")[2] for line in lines if line.startswith("0.0.0.0:")), "0")
        running = RunningImage(shell, image, lines[-1].strip(), student, int(port))
        _wait_for_answer(shell, name, running)
        yield running
    finally:
        shell.ask(f"docker rm -f -v {name}; rm -f {data}", timeout=60)


def _say_why_not_started(shell: Shell, image: str, said: str) -> None:
    lines = said.splitlines() or [""]
    if "no space left" in said:
        raise CannotTellError(_("the disk of {machine} is full", machine=shell.name))
    not_met(
        expected=_("{image} starts with docker run", image=image), seen=lines[-1], where=shell.name
    )


def _wait_for_answer(shell: Shell, name: str, running: RunningImage) -> None:
    """Poll until anything at all answers on the API's port; say the container's log if not."""
    deadline = time.monotonic() + START_LIMIT_S
    url = f"http://{running.address}:{API_PORT}/"
    quoted = shlex.quote(name)
    script = (
        f"for try in $(seq 1 40); do docker top {quoted} >/dev/null 2>&1 || exit 3; "
        f"curl -s -m 2 -o /dev/null {shlex.quote(url)} && exit 0; sleep 0.1; done; exit 4"
    )
    while time.monotonic() < deadline:
        answer = shell.ask(script, timeout=30)
        if answer.ok:
            return
        if answer.exit_code == 3:
            break
    log = shell.ask(f"docker logs --tail 5 {quoted} 2>&1 | tail -c 2000").text
    ended = not shell.ask(f"docker top {quoted}").ok
    not_met(
        expected=_("the container goes on running and answers on port {port}", port=API_PORT),
        seen=(
            _("it ended; its log: {log}", log=log or _("empty"))
            if ended
            else _("nothing answers; its log: {log}", log=log or _("empty"))
        ),
        where=f"{shell.name} $ docker run {running.image}",
    )
