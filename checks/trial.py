"""The API's image tried out, run by the grader with data of its own."""

from __future__ import annotations

import json
import shlex
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from labkit.course import CannotTellError, expect, not_met
from labkit.facts.docker import ADDRESS, PROBE_LABEL
from labkit.facts.http.curl import Answer, curl
from labkit.facts.slowness import Deadline
from labkit.locale import _
from labkit.remote import Shell
from subject.contract import API_PORT, DATA_FILE

START_LIMIT_S = 15.0


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
            f"docker inspect -f '{ADDRESS}' {name}",
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
    deadline = Deadline(shell, START_LIMIT_S)
    url = f"http://{running.address}:{API_PORT}/"
    quoted = shlex.quote(name)
    script = (
        f"for try in $(seq 1 40); do docker top {quoted} >/dev/null 2>&1 || exit 3; "
        f"curl -s -m 2 -o /dev/null {shlex.quote(url)} && exit 0; sleep 0.1; done; exit 4"
    )
    while not deadline.is_over():
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


def must_answer(answer: Answer, *, status: int) -> None:
    """End the check as failed unless the answer has this status."""
    expect(
        answer.status == status,
        expected=_("HTTP status {status} from {url}", status=status, url=answer.url),
        seen=_("status {status}: {body}", status=answer.status, body=answer.body[:200])
        if answer.status
        else _("no answer"),
        where=answer.machine,
    )
