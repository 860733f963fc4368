"""The vagrant command, in one lab's project: verbs, questions, and a log of all that it said.

Exit codes are not looked at. They differ between releases (`destroy` of what was never made ends
in 1 or 2: vagrant #9137, #12141), so callers ask for the state afterwards. Verbs on one machine
go through python-vagrant, which always gets the name and a file for standard error, since its own
default throws the reason away.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import IO, Any

from labkit.errors import NotReadyError
from labkit.lab.vagrant.explain import explained, missing
from labkit.lab.vagrant.project import Project
from labkit.lab.vagrant.reading import State, VagrantExitError, states
from labkit.locale import _, number
from labkit.reporting import Say

SNAPSHOT = "labkit-fresh"  # a machine right after its first `up`
QUESTION_S = 60.0  # 0.8 s is usual; a hypervisor whose service hangs never answers


class Engine:
    """Vagrant at work for one lab. Every method raises NotReadyError if there is no Vagrant."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def require(self) -> str:
        """The path of the executable. NotReadyError, with what to install, if there is none."""
        path = shutil.which("vagrant")
        if path is None:
            raise missing()
        return path

    def environment(self) -> dict[str, str]:
        """The environment of every call: this lab's folders, no colours, no call home."""
        return {
            **os.environ,
            "VAGRANT_CWD": str(self.project.folder),
            "VAGRANT_DOTFILE_PATH": str(self.project.data),
            "VAGRANT_NO_COLOR": "1",
            "VAGRANT_CHECKPOINT_DISABLE": "1",
        }

    def ask(self, *words: str) -> str:
        """The standard output of a command that changes nothing, whatever its exit code.

        Raises `NotReadyError` if there is no answer within `QUESTION_S` seconds.
        """
        vagrant = self.require()
        with self._open_log(words) as log:
            try:
                done = subprocess.run(
                    [vagrant, *words],
                    env=self.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    timeout=QUESTION_S,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise NotReadyError(
                    _("Vagrant did not answer within {limit} s", limit=number(QUESTION_S)),
                    where=f"vagrant {' '.join(words)}",
                    then="labkit doctor",
                ) from error
        return done.stdout.decode(errors="replace")

    def states(self, *names: str) -> dict[str, State]:
        """The states of the named machines, or of all, freshly asked of the hypervisor.

        Raises `NotReadyError` in our words if Vagrant could not tell.
        """
        mark = self.mark()
        output = self.ask("status", *names, "--machine-readable")
        try:
            found = states(output)
        except VagrantExitError as error:
            raise explained(error.what, "vagrant status", self.project.log) from error
        if not found:
            raise explained(output + self.said_since(mark), "vagrant status", self.project.log)
        return found

    def start(self, names: list[str], *, parallel: bool, say: Say) -> None:
        """`vagrant up` of several machines, its headlines passed on while it works.

        Not through python-vagrant, whose `up` takes one name and knows no --parallel. It must be
        one command: several at once would race for the download and for the network.
        """
        words = ("up", *names, "--parallel" if parallel else "--no-parallel")
        with (
            self._open_log(words) as log,
            subprocess.Popen(
                [self.require(), *words],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                errors="replace",
            ) as process,
        ):
            assert process.stdout is not None  # asked for two lines above
            for line in process.stdout:
                log.write(line)
                log.flush()
                if line.startswith("==> "):
                    say(line[4:].rstrip())

    def boot(self, name: str) -> None:
        """`vagrant up` of one machine that exists, without provisioning; returns when it is up."""
        self._verb(("up", name), lambda vagrant: vagrant.up(vm_name=name, no_provision=True))

    def halt(self, name: str, *, force: bool) -> None:
        """Shut one machine down; with `force`, cut its power."""
        self._verb(("halt", name), lambda vagrant: vagrant.halt(vm_name=name, force=force))

    def destroy(self, name: str) -> None:
        """Remove one machine and its disks, without a question."""
        self._verb(("destroy", name), lambda vagrant: vagrant.destroy(vm_name=name))

    def has_snapshot(self, name: str, snapshot: str = SNAPSHOT) -> bool:
        """Whether the machine has this snapshot; without a name, that of its first `up`."""
        return snapshot in self.ask("snapshot", "list", name).split()

    def save_snapshot(self, name: str, snapshot: str = SNAPSHOT) -> None:
        """Keep the running machine, memory included, as it is now."""
        self._snapshot("save", name, snapshot)

    def restore_snapshot(self, name: str, snapshot: str = SNAPSHOT) -> bool:
        """Bring the machine back to a snapshot; whether that went well.

        The one exit code that is believed, since no state shows which disk a machine runs from.
        """
        return self._snapshot("restore", "--no-provision", name, snapshot)

    def delete_snapshot(self, name: str, snapshot: str) -> None:
        """Remove a snapshot of the machine."""
        self._snapshot("delete", name, snapshot)

    def _snapshot(self, *words: str) -> bool:
        """Not through python-vagrant, which names no machine here and so takes all."""
        words = ("snapshot", *words)
        with self._open_log(words) as log:
            done = subprocess.run(
                [self.require(), *words],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        return done.returncode == 0

    def version(self) -> str:
        """For example "Vagrant 2.4.1"."""
        return self.ask("--version").strip()

    def mark(self) -> int:
        """A place in the log, for `said_since`."""
        return self.project.log.stat().st_size if self.project.log.exists() else 0

    def said_since(self, mark: int) -> str:
        """What the log says from that place on; our own headings are left out."""
        if not self.project.log.exists():
            return ""
        with self.project.log.open("rb") as file:
            file.seek(mark)
            text = file.read().decode(errors="replace")
        return "".join(line for line in text.splitlines(True) if not line.startswith("$ vagrant "))

    def _verb(self, words: tuple[str, ...], act: Callable[[Any], None]) -> None:
        self.require()
        import vagrant  # on import it warns on standard error if there is no vagrant

        def log_file() -> IO[str]:
            return self.project.log.open("a", encoding="utf-8")

        self._open_log(words).close()
        make: Any = vagrant.Vagrant  # it has no annotations
        client = make(
            root=str(self.project.folder),
            env=self.environment(),
            out_cm=log_file,
            err_cm=log_file,
        )
        try:
            act(client)
        except subprocess.CalledProcessError:
            return  # the state afterwards decides, and the reason is in the log

    def _open_log(self, words: tuple[str, ...]) -> IO[str]:
        """The log, open for the output of a command whose heading has been written."""
        log = self.project.log.open("a", encoding="utf-8")
        log.write(f"$ vagrant {' '.join(words)}\n")
        log.flush()  # before Vagrant writes to the same file
        return log
