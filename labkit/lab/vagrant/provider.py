"""The same three machines as virtual machines, through Vagrant."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from pathlib import Path

from labkit.course import Blueprint, find_blueprint
from labkit.errors import LabkitError, NotReadyError
from labkit.lab import checkpoints as rules
from labkit.lab.common import address, say_ready
from labkit.lab.model import Checkpoint, Machine
from labkit.lab.store import lab_folder
from labkit.lab.vagrant import node as nodes
from labkit.lab.vagrant.engine import Engine
from labkit.lab.vagrant.explain import explained
from labkit.lab.vagrant.network import require_allowed
from labkit.lab.vagrant.project import Project
from labkit.lab.vagrant.reading import SshHost, State, ssh_hosts
from labkit.locale import _
from labkit.remote import everywhere
from labkit.reporting import Say
from labkit.whole import write_whole

DEFAULT_USER = "vagrant"  # by the convention of Vagrant boxes


class VagrantProvider:
    """Three virtual machines, found again by the ids that Vagrant keeps of them."""

    name = "vagrant"

    def __init__(self, lab: str, blueprint: Blueprint | None = None) -> None:
        self.lab = lab
        self.blueprint = blueprint or find_blueprint()
        self.project = Project(lab, self.blueprint)
        self.engine = Engine(self.project)
        self._booting: dict[str, threading.Thread] = {}

    def up(self, say: Say) -> Sequence[Machine]:
        """Create or boot what does not run, learn the host keys, wait for an SSH login on each.

        With LABKIT_MIRROR the machines' Docker asks that registry first. Machines that were made
        now are kept in a snapshot at the end (see `fresh`).
        """
        self.engine.require()
        if interrupted := self.project.restoring():
            return self.restore(interrupted, say)
        return self._up(say)

    def _up(self, say: Say) -> Sequence[Machine]:
        with self._locked(say):
            self.project.prepare()
            made = self._start(say)
            self._learn_logins()
            subnet = self.project.subnet()
            addresses = {
                machine.name: address(subnet, machine.address)
                for machine in self.blueprint.machines
            }
            nodes.learn_host_keys(self.engine, addresses, self._known_hosts())
        machines = self.machines()
        waited = everywhere(nodes.wait_ready, machines)
        for machine, seconds in zip(machines, waited, strict=True):
            say_ready(say, machine.name, machine.address, seconds)
        if mirror := self.project.mirror():
            everywhere(partial(nodes.use_mirror, mirror=mirror), machines)
            say(_("images come from {mirror}", mirror=mirror))
        with self._locked(say):
            for name in made:
                say(_("keeping {name} as it is now, for labkit reset", name=name))
                self.engine.save_snapshot(name)
        return machines

    def fresh(self, say: Say) -> None:
        """Machines as after the first `up`: from their snapshots, or made anew if one is missing.

        A snapshot's clock stands still; `up` sets it. Machines that are made anew have no
        checkpoints: those belonged to the old ones.
        """
        with self._locked(say):
            self.project.end_restore()
            restored = self._restored(say)
        if not restored:
            self.destroy(say)
        self.up(say)

    def save(self, name: str, say: Say, *, automatic: bool = False) -> Checkpoint:
        """A snapshot of each machine, memory included, one after the other: not of one moment.

        The file with the checkpoint's name and time is written last.
        """
        rules.check_name(name, self.checkpoints(), automatic=automatic)
        machines = {machine.name for machine in self.machines() if machine.running}
        if off := [name for name in self.blueprint.names if name not in machines]:
            raise rules.machines_off(off, self.lab)
        made = datetime.now().astimezone()
        checkpoint = Checkpoint(name, made, automatic, bytes=0)
        with self._locked(say):
            self._drop(name)
            for machine in self.blueprint.names:
                self._settle(machine)
                mark = self.engine.mark()
                say(_("saving {name}", name=machine))
                self.engine.save_snapshot(machine, _snapshot(name))
                if not self.engine.has_snapshot(machine, _snapshot(name)):
                    failed = self._failed(_("saving {name}", name=machine), mark)
                    self._drop(name)
                    raise failed
            self.project.keep(checkpoint)
        return checkpoint

    def restore(self, name: str, say: Say) -> Sequence[Machine]:
        """Each machine back to its snapshot; then as `up`, which sets the clocks."""
        rules.find(name, self.checkpoints())
        with self._locked(say):
            self.project.begin_restore(name)
            for machine in self.blueprint.names:
                self._settle(machine)
                mark = self.engine.mark()
                say(_("back to {checkpoint}: {name}", checkpoint=name, name=machine))
                if not self.engine.restore_snapshot(machine, _snapshot(name)):
                    raise self._failed(_("restoring {name}", name=machine), mark)
            self.project.end_restore()
        return self._up(say)

    def checkpoints(self) -> Sequence[Checkpoint]:
        """Those whose file was written. How much disk each takes only the hypervisor knows: 0."""
        return self.project.kept()

    def forget(self, name: str) -> None:
        """Remove the file, then the snapshots."""
        rules.find(name, self.checkpoints())
        with self._locked(lambda _text: None):
            self._drop(name)

    def clone(self, lab: str, checkpoint: str, say: Say) -> Sequence[Machine]:
        """Vagrant's snapshots belong to their machine: NotReadyError."""
        del checkpoint, say
        raise NotReadyError(
            _("virtual machines cannot be made from a checkpoint of another lab"),
            where=f"lab {lab}",
            then="labkit up",
        )

    def settle(self, say: Say) -> None:
        """Nothing: Vagrant saves running machines, and leaves none paused."""
        del say

    def _drop(self, name: str) -> None:
        """Remove a checkpoint, or what there is of one."""
        self.project.drop(name)
        for machine in self.blueprint.names:
            if self.engine.has_snapshot(machine, _snapshot(name)):
                self.engine.delete_snapshot(machine, _snapshot(name))

    def down(self, say: Say) -> None:
        """Shut the machines down one by one; disks stay."""
        with self._locked(say):
            for name, state in self._states().items():
                if state.running:
                    say(_("stopping {name}", name=name))
                    self._halt(name, force=False)
        say(_("lab {name} is stopped; its disks are kept", name=self.lab))

    def destroy(self, say: Say) -> None:
        """Remove the machines, their disks and this lab's project and keys. The log stays."""
        with self._locked(say):
            for name in self.project.created():
                self._settle(name)
                mark = self.engine.mark()
                say(_("removing {name}", name=name))
                self.engine.destroy(name)
                if self.engine.states(name)[name].exists:
                    raise self._failed(_("removing {name}", name=name), mark)
            self.project.remove()
            for path in (self._known_hosts(), self._ssh_config()):
                path.unlink(missing_ok=True)
        say(_("lab {name} is gone", name=self.lab))

    def machines(self) -> Sequence[Machine]:
        """The machines that exist. No Vagrant is started (0.8 s) while none was ever made."""
        if interrupted := self.project.restoring():
            raise rules.interrupted(self.lab, interrupted)
        existing = [state for state in self._states().values() if state.exists]
        if not existing:
            return []
        logins = self._logins([state.name for state in existing if state.running])
        subnet = self.project.subnet()
        box = self.project.settings().get("LABKIT_BOX", "rocky9")
        return [
            Machine(
                name=state.name,
                address=address(subnet, self.blueprint.machine(state.name).address),
                user=logins[state.name].user if state.name in logins else DEFAULT_USER,
                key=self._key(state, logins),
                known_hosts=self._known_hosts(),
                running=state.running,
                os=box,
            )
            for state in sorted(existing, key=lambda state: self.blueprint.order(state.name))
        ]

    def power_off(self, machine: str) -> None:
        """Cut the power (`vagrant halt --force`); returns when the hypervisor says it is off."""
        self._require_created(machine)
        self._settle(machine)
        self._halt(machine, force=True)

    def power_on(self, machine: str) -> None:
        """Boot the machine again and return at once.

        `vagrant up` itself waits for the boot, so it runs in a thread; if labkit ends first,
        Vagrant finishes alone.
        """
        self._require_created(machine)
        self._settle(machine)
        thread = threading.Thread(target=self.engine.boot, args=(machine,), daemon=True)
        self._booting[machine] = thread
        thread.start()

    def describe(self) -> dict[str, str]:
        """Provider, hypervisor, Vagrant's version; box or system, and kernel where one runs."""
        hypervisors = {state.hypervisor for state in self._states().values() if state.exists}
        facts = {
            "provider": self.name,
            "os": self.project.settings().get("LABKIT_BOX", "rocky9"),
            "engine": f"{self.engine.version()} ({', '.join(sorted(hypervisors)) or 'no machine'})",
            "kernel": "",
        }
        running = next((machine for machine in self.machines() if machine.running), None)
        return {**facts, **(_system(running) if running else {})}

    def _start(self, say: Say) -> list[str]:
        """Bring up what does not run; the machines that were made for it.

        Raises NotReadyError if something still does not run.
        """
        before = self.engine.states()
        off = [name for name in self.blueprint.names if not before[name].running]
        if not off:
            return []
        if before[off[0]].hypervisor == "virtualbox":
            require_allowed(self.project.subnet())
        parallel = os.environ.get("LABKIT_VAGRANT_PARALLEL", "1") != "0"
        say(
            _(
                "vagrant up {machines} ({hypervisor}; some minutes)",
                machines=" ".join(off),
                hypervisor=before[off[0]].hypervisor,
            )
        )
        mark = self.engine.mark()
        self.engine.start(off, parallel=parallel, say=say)
        after = self.engine.states()
        still_off = [name for name in self.blueprint.names if not after[name].running]
        if still_off:
            raise self._failed(_("starting {name}", name=", ".join(still_off)), mark)
        return [name for name in off if not before[name].exists]

    def _restored(self, say: Say) -> bool:
        """Whether all machines were there with a snapshot, and are back at it."""
        if set(self.project.created()) != set(self.blueprint.names):
            return False
        for name in self.blueprint.names:
            self._settle(name)
            if not self.engine.has_snapshot(name):
                return False
        for name in self.blueprint.names:
            say(_("back to the fresh {name}", name=name))
            if not self.engine.restore_snapshot(name):
                return False
        return True

    def _halt(self, name: str, *, force: bool) -> None:
        mark = self.engine.mark()
        self.engine.halt(name, force=force)
        if self.engine.states(name)[name].running:
            raise self._failed(_("stopping {name}", name=name), mark)

    def _settle(self, name: str) -> None:
        """Wait for a boot of ours that is still going on: Vagrant locks the machine meanwhile."""
        thread = self._booting.pop(name, None)
        if thread:
            thread.join()

    def _states(self) -> dict[str, State]:
        return self.engine.states() if self.project.created() else {}

    def _learn_logins(self) -> None:
        """Keep what `vagrant ssh-config` says, also for `ssh -F`; it changes with `up` only."""
        mark = self.engine.mark()
        text = self.engine.ask("ssh-config", *self.blueprint.names)
        silent = [name for name in self.blueprint.names if name not in ssh_hosts(text)]
        if silent:
            raise self._failed(_("asking how to log in to {name}", name=", ".join(silent)), mark)
        write_whole(self._ssh_config(), text)

    def _logins(self, running: Sequence[str]) -> dict[str, SshHost]:
        """How to log in, from our copy; asked again if it is lost and the machines run."""
        file = self._ssh_config()
        known = ssh_hosts(file.read_text(encoding="utf-8")) if file.exists() else {}
        for name in set(running) - set(known):
            known.update(ssh_hosts(self.engine.ask("ssh-config", name)))
        return known

    def _key(self, state: State, logins: dict[str, SshHost]) -> Path:
        if state.name in logins:
            return logins[state.name].key
        # Where Vagrant puts the key that it makes in exchange for the box's public one.
        return self.project.data / "machines" / state.name / state.hypervisor / "private_key"

    def _require_created(self, machine: str) -> None:
        if machine not in self.project.created():
            raise NotReadyError(
                _("there is no {node} in lab {name}", node=machine, name=self.lab),
                then="labkit up",
            )

    def _failed(self, doing: str, mark: int) -> NotReadyError:
        return explained(self.engine.said_since(mark), doing, self.project.log)

    def _locked(self, say: Say) -> AbstractContextManager[None]:
        return self.project.locked(
            lambda: say(_("another labkit is at work on lab {name}: waiting for it", name=self.lab))
        )

    def _known_hosts(self) -> Path:
        return lab_folder(self.lab) / "known_hosts"

    def _ssh_config(self) -> Path:
        return lab_folder(self.lab) / "ssh_config"


def _snapshot(checkpoint: str) -> str:
    return f"labkit-at-{checkpoint}"


def _system(machine: Machine) -> dict[str, str]:
    """System and kernel as a running machine tells them; nothing if it does not answer."""
    shell = nodes.shell(machine)
    try:
        answer = shell.ask('. /etc/os-release && echo "$PRETTY_NAME" && uname -r')
    except LabkitError:
        return {}
    finally:
        shell.close()
    lines = answer.stdout.splitlines()
    return {"os": lines[0], "kernel": lines[1]} if answer.ok and len(lines) == 2 else {}
