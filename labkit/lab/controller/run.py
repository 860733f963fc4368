"""A command in a controller: its container made, attached to this terminal, and removed."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from labkit.errors import NotReadyError
from labkit.lab.containers.endpoint import INSIDE, endpoint
from labkit.lab.containers.engine import explained, is_rootless
from labkit.lab.controller.files import OUT, packed, there, unpacked
from labkit.lab.mirror.way_out import proxies
from labkit.lab.store import state_root
from labkit.locale import _

VOLUME = "labkit-state"
LABEL = "io.labkit.controller"
OUTPUTS = "LABKIT_OUTPUTS"
USUAL_SOCKET = "/var/run/docker.sock"
# Keys that end `docker attach` and leave the command: none that anybody types.
DETACH_KEYS = ",".join(["ctrl-@"] * 8)
# What of the environment a command heeds, beside LABKIT_…: language, colours, time, network.
PASSED_ON = (
    "LANG", "LANGUAGE", "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "TZ",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "PIP_INDEX_URL",
)  # fmt: skip
NOT_PASSED = ("LABKIT_REACH", "LABKIT_COURSE", "LABKIT_LAB", "LABKIT_WORKSPACE", OUTPUTS)


def run(
    engine: docker.DockerClient,
    image: str,
    words: Sequence[str],
    *,
    why: str,
    inputs: Sequence[Path] = (),
    outputs: Sequence[Path] = (),
    reads_input: bool = False,
) -> int:
    """Run `labkit WORDS` beside the engine as if it ran here; its exit code.

    `inputs` are copied in; `outputs`, and the reports in labkit's own folder, are copied out.
    `reads_input`: standard input is the command's even if it is no terminal.
    NotReadyError if the engine refuses, or Docker's own program is missing.
    """
    program = shutil.which("docker")
    if program is None:  # it knows terminals of every system, signals and contexts
        raise NotReadyError(
            _("the program docker is missing, which connects this terminal to the engine"),
            then="https://docs.docker.com/engine/install/",
        )
    terminal = all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    with _container(engine, image, words, why=why, outputs=outputs, terminal=terminal) as container:
        with tempfile.TemporaryFile() as archive, explained(_("copying your files")):
            packed(inputs, archive)
            archive.seek(0)
            container.put_archive("/", archive)
        arguments = [program, "start", "--attach", "--detach-keys", DETACH_KEYS]
        arguments += ["--interactive"] if terminal or reads_input else []
        code = _attached([*arguments, container.id or ""], terminal=terminal)
        code = _exit_code(container, code)
        _copy_out(container, outputs)
    return code


@contextmanager
def _container(
    engine: docker.DockerClient,
    image: str,
    words: Sequence[str],
    *,
    why: str,
    outputs: Sequence[Path],
    terminal: bool,
) -> Iterator[Container]:
    """A controller that is not started yet, and is removed at the end."""
    state = state_root()
    with explained(_("making the controller")):
        rootless = is_rootless(engine.info())
        container = engine.containers.create(
            image,
            list(words),
            name=f"labkit-controller-{secrets.token_hex(4)}",
            labels={LABEL: ""},
            # The engine's own network, and not a lab's: there labs come and go while it works.
            network_mode="host",
            # dockerd is among them: it says what a machine may be given. A rootless engine has no
            # right to the processes of its computer.
            pid_mode=None if rootless else "host",
            volumes={
                _socket(rootless=rootless): {"bind": USUAL_SOCKET, "mode": "rw"},
                VOLUME: {"bind": there(state), "mode": "rw"},
            },
            environment=environment(
                {**os.environ, **proxies()}, why, state, outputs, terminal=terminal
            ),
            working_dir=there(Path.cwd()),
            stdin_open=True,
            tty=terminal,
        )
    try:
        yield container
    finally:
        try:
            container.remove(force=True)
        except APIError as error:
            if error.status_code not in (404, 409):  # gone, or going
                raise


def environment(
    ours: Mapping[str, str],
    why: str,
    state: Path,
    outputs: Sequence[Path],
    *,
    terminal: bool,
) -> dict[str, str]:
    """What a command is told of where it was typed."""
    told = {
        name: value
        for name, value in ours.items()
        if name in PASSED_ON or name.startswith(("LABKIT_", "LC_"))
    }
    told = {name: value for name, value in told.items() if name not in NOT_PASSED}
    if not terminal:
        told["COLUMNS"] = str(shutil.get_terminal_size().columns)
    return {
        "TZ": _zone(),
        **told,
        INSIDE: why,
        OUTPUTS: json.dumps([there(output) for output in outputs]),
        "XDG_STATE_HOME": there(state.parent),
        "XDG_CACHE_HOME": f"{there(state)}/_cache",  # no lab can have this name
    }


def _zone() -> str:
    """This computer's time zone as POSIX writes it, where west is positive: <+0200>-02:00."""
    name = time.strftime("%z")
    sign = "-" if name.startswith("+") else "+"
    return f"<{name}>{sign}{name[1:3]}:{name[3:]}"


def _socket(*, rootless: bool) -> str:
    """The engine's socket on its own computer: the usual one, but for a rootless engine."""
    kind, _colon, place = endpoint().partition("://")
    return place if kind == "unix" and rootless else USUAL_SOCKET


def _attached(arguments: Sequence[str], *, terminal: bool) -> int:
    """Docker's program between this terminal and the command, with the signals that come here.

    At a terminal Ctrl-C is a key, and its own business. Elsewhere it has a group of its own, so
    that an interrupt that is meant for both reaches it once: from here.
    """
    with (
        subprocess.Popen(arguments, process_group=None if terminal else 0) as attached,
        _handed_on(attached.send_signal),
    ):
        return attached.wait()


@contextmanager
def _handed_on(send: Callable[[int], None]) -> Iterator[None]:
    def handed_on(number: int, _frame: FrameType | None) -> None:
        send(number)

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, handed_on)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit_code(container: Container, attached: int) -> int:
    """The command's, which runs on where only the connection to it broke: it is then ended."""
    with explained(_("asking how the command ended")):
        container.reload()
        if container.status == "running":
            container.kill("SIGINT")
        if container.status == "created":
            raise NotReadyError(_("the controller did not start"), then="labkit doctor")
        return int(container.wait().get("StatusCode", attached))


def _copy_out(container: Container, outputs: Sequence[Path]) -> None:
    try:
        chunks, _stat = container.get_archive(OUT)
    except NotFound:  # it became another program (labkit ssh), or was killed
        return
    with tempfile.TemporaryFile() as outer:
        for chunk in chunks:
            outer.write(chunk)
        outer.seek(0)
        with tarfile.open(fileobj=outer) as tar:
            for member in tar:
                inner = tar.extractfile(member)
                if inner:
                    unpacked(inner, state_root(), outputs)
