"""The provider against a stub of the vagrant command. No machine is booted.

The stub is not Vagrant: it keeps a state per machine in a file, records its arguments, and prints
what Vagrant 2.3.4 was seen to print. An answer given by a test replaces its own.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from paramiko.hostkeys import HostKeys

from labkit.course import find_blueprint
from labkit.errors import NotReadyError, UsageError
from labkit.lab import Machine, open_lab
from labkit.lab.faults import Power
from labkit.lab.vagrant import node as nodes
from labkit.lab.vagrant.project import SETTINGS, Project, read_settings, with_settings
from labkit.lab.vagrant.provider import VagrantProvider

PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBNsf+0/1DyqLeaGYc8RhBUSTaOkFyIQOZsqbqxSOEiu"

STUB = """\
# A stub for tests, not Vagrant.
import json, os, sys, time, uuid
from pathlib import Path

home = Path(os.environ["STUB_HOME"])
data = Path(os.environ["VAGRANT_DOTFILE_PATH"])
words = sys.argv[1:]
verb = words[0]
names = [w for w in words[1:] if w in ("web1", "web2", "lb")] or ["web1", "web2", "lb"]
with (home / "calls").open("a") as file:
    file.write(json.dumps([words, os.environ["VAGRANT_CWD"]]) + "\\n")

answers = json.loads((home / "answers").read_text())
if verb in answers:
    out, err, code = answers[verb]
    sys.stdout.write(out)
    sys.stderr.write(err)
    sys.exit(code)

def state(name, new=None):
    file = home / f"{data.parent.parent.name}-{name}"
    if new:  # in one piece: others ask meanwhile, and an empty state is that of no machine
        written = file.with_suffix(f".{os.getpid()}")
        written.write_text(new)
        written.replace(file)
    return file.read_text() if file.exists() else "not_created"

def identity(name):
    return data / "machines" / name / "libvirt" / "id"

if verb == "--version":
    print("Vagrant 2.3.4")
for name in names:
    if verb == "status":
        print(f"1,{name},metadata,provider,libvirt")
        print(f"1,{name},provider-name,libvirt")
        print(f"1,{name},state,{state(name)}")
    if verb == "up":
        time.sleep(0.3 if "--no-provision" in words else 0)  # a boot takes longer than a halt
        print(f"==> {name}: Booting")
        state(name, "running")
        identity(name).parent.mkdir(parents=True, exist_ok=True)
        if not identity(name).exists():
            identity(name).write_text(str(uuid.uuid4()))
    if verb == "halt":
        state(name, "shutoff")
    if verb == "destroy":
        (home / f"{name}-kept").unlink(missing_ok=True)
        state(name, "not_created")
        identity(name).unlink()
    if verb == "ssh-config":
        print(f"Host {name}\\n  HostName 192.168.121.9\\n  User vagrant\\n  Port 22")
        print(f"  IdentityFile {data}/machines/{name}/libvirt/private_key\\n")
if verb == "snapshot":
    file = home / f"{names[0]}-kept"
    kept = file.read_text().split() if file.exists() else []
    if words[1] == "list":
        print(*kept, sep="\\n")
    if words[1] == "save":
        file.write_text("\\n".join([*kept, words[-1]]))
    if words[1] == "delete":
        file.write_text("\\n".join(one for one in kept if one != words[-1]))
if verb == "ssh":
    print("KEY localhost\\r")
if verb == "destroy":
    sys.exit(1)  # some releases do, although all is well (vagrant #9137)
""".replace("KEY", PUBLIC)


@dataclass
class Stub:
    """What the stub was asked, and what it is told to answer."""

    home: Path

    @property
    def calls(self) -> list[str]:
        file = self.home / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [" ".join(json.loads(line)[0]) for line in lines]

    def changes(self) -> list[str]:
        """What changed a machine; each `snapshot save` is left out (`kept`)."""
        reads = ("status", "ssh", "--version", "snapshot list", "snapshot save")
        return [call for call in self.calls if not call.startswith(reads)]

    def kept(self) -> list[str]:
        """The machines of which a snapshot was made."""
        saved = (call.split() for call in self.calls if call.startswith("snapshot save"))
        return [name for _, _, name, called in saved if called == "labkit-fresh"]

    def answer(self, **answers: tuple[str, str, int]) -> None:
        """By verb: standard output, standard error, exit code."""
        (self.home / "answers").write_text(json.dumps(answers))


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """The stub alone on PATH, an empty state folder, and machines that are ready at once."""
    home, binaries = tmp_path / "stub", tmp_path / "bin"
    home.mkdir()
    binaries.mkdir()
    executable = binaries / "vagrant"
    executable.write_text(f"#!{sys.executable}\n{STUB}")
    executable.chmod(0o755)
    for name in (*SETTINGS, "LABKIT_SUBNET", "LABKIT_VAGRANT_PARALLEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(binaries))
    monkeypatch.setenv("STUB_HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(nodes, "wait_ready", lambda _: 0.0)
    stub = Stub(home)
    stub.answer()
    return stub


def quiet(text: str) -> None:
    """Progress that nobody reads."""


def test_up_starts_all_in_one_command_and_says_what_happens(stub: Stub) -> None:
    said: list[str] = []
    machines = VagrantProvider("demo").up(said.append)
    assert stub.changes() == ["up web1 web2 lb --parallel"]
    assert [(machine.name, machine.address, machine.running) for machine in machines] == [
        ("web1", "192.168.56.11", True),
        ("web2", "192.168.56.12", True),
        ("lb", "192.168.56.10", True),
    ]
    assert machines[0].user == "vagrant"
    assert machines[0].key.name == "private_key"
    assert stub.kept() == ["web1", "web2", "lb"]
    assert "web1: Booting" in said


def test_one_after_the_other_on_request(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_VAGRANT_PARALLEL", "0")
    VagrantProvider("demo").up(quiet)
    assert stub.changes() == ["up web1 web2 lb --no-parallel"]


def test_a_second_up_changes_nothing_and_a_partial_one_starts_the_rest(stub: Stub) -> None:
    provider = VagrantProvider("demo")
    provider.up(quiet)
    provider.up(quiet)
    provider.power_off("web2")
    provider.up(quiet)
    assert stub.changes()[1:] == ["halt web2 --force", "up web2 --parallel"]
    assert sum(call.startswith("ssh web") for call in stub.calls) == 2  # keys: fetched once


def test_fresh_machines_come_from_their_snapshots(stub: Stub) -> None:
    provider = VagrantProvider("demo")
    provider.up(quiet)
    done = len(stub.changes())
    provider.fresh(quiet)
    assert stub.changes()[done:] == [
        f"snapshot restore --no-provision {name} labkit-fresh" for name in ("web1", "web2", "lb")
    ]


@pytest.mark.parametrize("lost", ["a snapshot", "the restoring"])
def test_without_a_snapshot_fresh_machines_are_made_anew(stub: Stub, lost: str) -> None:
    provider = VagrantProvider("demo")
    provider.up(quiet)
    done = len(stub.changes())
    if lost == "a snapshot":
        (stub.home / "web2-kept").unlink()
    else:
        stub.answer(snapshot=("labkit-fresh\n", "no space left\n", 1))
    provider.fresh(quiet)
    made_anew = [f"destroy {name} --force" for name in ("web1", "web2", "lb")]
    changes = stub.changes()[done:]
    assert [one for one in changes if one.startswith("destroy")] == made_anew
    assert changes[-1] == "up web1 web2 lb --parallel"
    assert stub.kept() == ["web1", "web2", "lb"] * 2


def test_host_keys_are_known_before_the_first_login(stub: Stub) -> None:
    machines = VagrantProvider("demo").up(quiet)
    keys = HostKeys(str(machines[0].known_hosts))
    assert all(keys.lookup(machine.address) for machine in machines)
    asked = [call for call in stub.calls if call.startswith("ssh web1")]
    assert asked == ["ssh web1 --no-tty --command cat /etc/ssh/ssh_host_ed25519_key.pub"]


def test_a_machine_made_anew_is_asked_for_its_key_again(stub: Stub) -> None:
    provider = VagrantProvider("demo")
    machines = provider.up(quiet)
    next(provider.project.data.glob("machines/lb/*/id")).write_text("another id")
    provider.up(quiet)
    assert sum(call.startswith("ssh lb") for call in stub.calls) == 2
    assert "another id" in machines[0].known_hosts.read_text()


def test_a_machine_that_gives_no_key_is_not_trusted(stub: Stub) -> None:
    stub.answer(ssh=("", "cat: no such file\n", 1))
    with pytest.raises(NotReadyError, match=r"reading /etc/ssh/ssh_host_ed25519_key.pub on web1"):
        VagrantProvider("demo").up(quiet)


def test_without_a_lab_no_vagrant_is_started(stub: Stub) -> None:
    provider = VagrantProvider("demo")
    assert provider.machines() == []
    provider.down(quiet)
    provider.destroy(quiet)
    assert stub.calls == []
    with pytest.raises(NotReadyError, match="no web1 in lab demo"):
        provider.power_off("web1")


def test_mixed_states_are_told_as_they_are(stub: Stub) -> None:
    provider = VagrantProvider("demo")
    provider.up(quiet)
    provider.power_off("web1")
    (stub.home / "demo-lb").write_text("not_created")
    machines = provider.machines()
    assert [(machine.name, machine.running) for machine in machines] == [
        ("web1", False),
        ("web2", True),
    ]


def test_power_comes_back_without_waiting_for_the_boot(stub: Stub) -> None:
    provider = VagrantProvider("demo")
    provider.up(quiet)
    provider.power_off("web1")
    provider.power_on("web1")
    deadline = time.monotonic() + 10
    while not provider.machines()[0].running:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert stub.changes()[-2:] == ["halt web1 --force", "up web1 --no-provision"]


def test_power_that_a_fault_took_is_given_back_by_a_process_of_its_own(stub: Stub) -> None:
    """It boots in a thread, and so the process must not end before the machine runs."""
    lab = open_lab("demo", "vagrant")
    lab.provider.up(quiet)
    Power(lab).cut("web1", heal_after=0.1)  # the other process may be done before this one goes on
    assert "halt web1 --force" in stub.changes()
    deadline = time.monotonic() + 20
    while not lab.machines()["web1"].running:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert stub.changes()[-2:] == ["halt web1 --force", "up web1 --no-provision"]


def test_power_off_right_after_power_on_waits_for_the_lock(stub: Stub) -> None:
    provider = VagrantProvider("demo")
    provider.up(quiet)
    provider.power_on("web1")
    provider.power_off("web1")
    assert stub.changes()[-2:] == ["up web1 --no-provision", "halt web1 --force"]
    before_the_halt = provider.project.log.read_text().partition("$ vagrant halt")[0]
    assert before_the_halt.count("==> web1: Booting") == 2  # that of up, and the one waited for
    assert not provider.machines()[0].running


def test_a_halt_that_lies_is_found_out_by_the_state(stub: Stub) -> None:
    provider = VagrantProvider("demo")
    provider.up(quiet)
    stub.answer(halt=("", "The domain does not want to stop.\n", 0))
    with pytest.raises(NotReadyError, match="does not want to stop"):
        provider.power_off("web1")


def test_a_failed_exit_code_after_success_is_no_error(stub: Stub) -> None:
    provider = VagrantProvider("demo")
    provider.up(quiet)
    provider.destroy(quiet)  # each destroy of the stub ends in 1
    assert stub.changes()[1:] == [
        "destroy web1 --force",
        "destroy web2 --force",
        "destroy lb --force",
    ]
    assert provider.machines() == []
    assert not provider.project.folder.exists()
    assert provider.project.log.exists()


def test_down_stops_what_runs_by_name(stub: Stub) -> None:
    provider = VagrantProvider("demo")
    provider.up(quiet)
    provider.power_off("web2")
    provider.down(quiet)
    assert stub.changes()[2:] == ["halt web1", "halt lb"]


def test_an_up_that_starts_nothing_gives_the_reason_and_keeps_it(stub: Stub) -> None:
    reason = "The box 'x' could not be found or\ncould not be accessed in the remote catalog.\n"
    stub.answer(up=("Bringing up\n", reason, 1))
    provider = VagrantProvider("demo")
    with pytest.raises(NotReadyError, match="the box cannot be downloaded") as caught:
        provider.up(quiet)
    assert "LABKIT_BOX=" in caught.value.then
    log = provider.project.log.read_text()
    assert "$ vagrant up web1 web2 lb --parallel\n" in log
    assert "remote catalog" in log


def test_a_status_that_gives_up_is_a_sentence(stub: Stub) -> None:
    message = "No usable default provider could be found for your system."
    stub.answer(status=(f"1,,error-exit,Vagrant::Errors::NoDefaultProvider,{message}\n", "", 1))
    with pytest.raises(NotReadyError, match="no hypervisor"):
        VagrantProvider("demo").up(quiet)


def test_an_empty_status_is_not_taken_for_an_empty_lab(stub: Stub) -> None:
    stub.answer(status=("", "", 0))
    with pytest.raises(NotReadyError, match=r"it said nothing"):
        VagrantProvider("demo").up(quiet)


def test_two_labs_share_nothing(stub: Stub) -> None:
    one, two = VagrantProvider("one"), VagrantProvider("two")
    one.up(quiet)
    two.up(quiet)
    assert one.machines()[0].address == "192.168.56.11"
    assert two.machines()[0].address == "192.168.57.11"
    one.destroy(quiet)
    assert len(two.machines()) == 3
    folders = {json.loads(line)[1] for line in (stub.home / "calls").read_text().splitlines()}
    assert folders == {str(one.project.folder), str(two.project.folder)}


@pytest.mark.usefixtures("stub")
def test_settings_stay_with_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = VagrantProvider("demo")
    monkeypatch.setenv("LABKIT_BOX", "it's\\mine")
    monkeypatch.setenv("LABKIT_SUBNET", "10.88.0.0/24")
    provider.up(quiet)
    monkeypatch.delenv("LABKIT_BOX")
    monkeypatch.setenv("LABKIT_SUBNET", "10.99.0.0/24")  # too late: the machines have addresses
    machines = provider.up(quiet)
    assert machines[0].address == "10.88.0.11"
    assert Project("demo").settings() == {
        "LABKIT_BOX": "it's\\mine",
        "LABKIT_LAB": "demo",
        "LABKIT_MACHINES": find_blueprint().described,
        "LABKIT_SUBNET": "10.88.0.0/24",
    }


@pytest.mark.usefixtures("stub")
def test_the_mirror_stays_with_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(nodes, "use_mirror", lambda one, mirror: asked.append((one.name, mirror)))
    provider = VagrantProvider("demo")
    provider.up(quiet)
    assert asked == []
    monkeypatch.setenv("LABKIT_MIRROR", "http://10.77.0.2:5000/")
    provider.up(quiet)
    monkeypatch.delenv("LABKIT_MIRROR")
    provider.up(quiet)
    once = sorted((name, "http://10.77.0.2:5000") for name in ("web1", "web2", "lb"))
    assert sorted(asked[:3]) == sorted(asked[3:]) == once


def test_a_mirror_that_is_none_is_refused_before_anything_starts(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_MIRROR", "10.77.0.2:5000")
    with pytest.raises(UsageError, match="LABKIT_MIRROR"):
        VagrantProvider("demo").up(quiet)
    assert stub.calls == []


@pytest.mark.usefixtures("stub")
def test_a_lost_ssh_config_is_asked_for_again() -> None:
    provider = VagrantProvider("demo")
    before = provider.up(quiet)
    (provider.project.folder.parent / "ssh_config").unlink()
    assert provider.machines() == before


def test_a_second_labkit_waits_for_the_first(stub: Stub) -> None:
    provider = VagrantProvider("demo")
    said: list[str] = []
    with Project("demo").locked(lambda: None):
        other = threading.Thread(target=provider.up, args=(said.append,))
        other.start()
        deadline = time.monotonic() + 10
        while not said and time.monotonic() < deadline:
            time.sleep(0.02)
        assert said == ["another labkit is at work on lab demo: waiting for it"]
        assert stub.calls == []
    other.join()
    assert stub.changes() == ["up web1 web2 lb --parallel"]


@pytest.mark.usefixtures("stub")
def test_describe_names_vagrant_and_the_hypervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labkit.lab.vagrant.provider._system", lambda _: {"kernel": "5.14"})
    provider = VagrantProvider("demo")
    assert provider.describe()["engine"] == "Vagrant 2.3.4 (no machine)"
    provider.up(quiet)
    facts = provider.describe()
    assert facts["engine"] == "Vagrant 2.3.4 (libvirt)"
    assert facts["kernel"] == "5.14"


@pytest.mark.usefixtures("stub")
def test_without_vagrant_one_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotReadyError, match="Vagrant is not installed") as caught:
        VagrantProvider("demo").up(quiet)
    assert "apt-get install vagrant" in caught.value.then
    assert caught.value.exit_code == 4


def test_a_machine_that_takes_no_login_is_named_with_the_reason(tmp_path: Path) -> None:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.touch()
    machine = Machine("web1", "127.0.0.1", "x", tmp_path / "k", known_hosts, True, port=9)
    with pytest.raises(NotReadyError, match="web1 runs, but this computer cannot log in"):
        nodes.wait_ready(machine, limit=0)


@pytest.mark.usefixtures("stub")
def test_the_lab_opens_with_this_provider() -> None:
    lab = open_lab("demo", "vagrant")
    lab.provider.up(quiet)
    assert lab.prove_target("lb").address == "192.168.56.10"


@pytest.mark.parametrize("value", ["plain", "it's", "a\\b", "#{system('x')}", 'say "hi"', "a\\'b"])
def test_settings_survive_being_written_as_ruby(value: str) -> None:
    text = with_settings("Vagrant.configure('2')\n", {"LABKIT_BOX": value})
    assert read_settings(text) == {"LABKIT_BOX": value}


# -- checkpoints


@pytest.fixture
def up(stub: Stub) -> VagrantProvider:
    """A lab that is up."""
    assert not stub.calls
    provider = VagrantProvider("demo")
    provider.up(quiet)
    return provider


def at(stub: Stub, name: str) -> list[str]:
    """The machines that have the snapshots of a checkpoint."""
    machines = ("web1", "web2", "lb")
    return [
        one for one in machines if f"labkit-at-{name}" in (stub.home / f"{one}-kept").read_text()
    ]


def test_a_checkpoint_is_a_snapshot_of_each_machine(stub: Stub, up: VagrantProvider) -> None:
    up.save("mine", quiet)
    up.save("step-3", quiet, automatic=True)
    assert at(stub, "mine") == ["web1", "web2", "lb"]
    assert [(one.name, one.automatic) for one in up.checkpoints()] == [
        ("mine", False), ("step-3", True),
    ]  # fmt: skip
    done = len(stub.changes())
    assert [machine.name for machine in up.restore("mine", quiet)] == ["web1", "web2", "lb"]
    assert stub.changes()[done:] == [
        f"snapshot restore --no-provision {name} labkit-at-mine" for name in ("web1", "web2", "lb")
    ]
    up.forget("mine")
    assert at(stub, "mine") == []
    assert at(stub, "step-3") == ["web1", "web2", "lb"]


def test_a_newer_automatic_checkpoint_takes_the_place_of_the_older(
    stub: Stub, up: VagrantProvider
) -> None:
    for _again in range(2):
        up.save("step-3", quiet, automatic=True)
    assert len(up.checkpoints()) == 1
    assert (stub.home / "lb-kept").read_text().split().count("labkit-at-step-3") == 1


def test_a_snapshot_that_cannot_be_taken_leaves_no_half_checkpoint(
    stub: Stub, up: VagrantProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = up.engine.save_snapshot
    monkeypatch.setattr(
        up.engine, "save_snapshot", lambda name, which: name == "lb" or save(name, which)
    )
    with pytest.raises(NotReadyError):
        up.save("mine", quiet)
    assert at(stub, "mine") == []
    assert up.checkpoints() == []


def test_a_machine_that_is_off_is_named_before_anything_is_saved(
    stub: Stub, up: VagrantProvider
) -> None:
    up.power_off("web2")
    with pytest.raises(NotReadyError, match="these are off: web2"):
        up.save("mine", quiet)
    assert at(stub, "mine") == []


def test_a_restore_that_was_interrupted_is_ended_by_up(
    stub: Stub, up: VagrantProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    up.save("mine", quiet)
    with monkeypatch.context() as broken:
        broken.setattr(up.engine, "restore_snapshot", lambda _name, _which: False)
        with pytest.raises(NotReadyError):
            up.restore("mine", quiet)
    with pytest.raises(NotReadyError, match="being restored to mine") as refused:
        up.machines()
    assert refused.value.then == "labkit --lab demo up"
    done = len(stub.changes())
    assert len(up.up(quiet)) == 3
    assert len([one for one in stub.changes()[done:] if "labkit-at-mine" in one]) == 3


def test_virtual_machines_are_not_cloned(up: VagrantProvider) -> None:
    with pytest.raises(NotReadyError, match="cannot be made from a checkpoint"):
        VagrantProvider("other").clone("demo", "mine", quiet)
    with pytest.raises(UsageError, match="no checkpoint mine"):
        up.restore("mine", quiet)
