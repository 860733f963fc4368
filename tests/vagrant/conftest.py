"""Three virtual machines, for real: hypervisor, box, mirror, and nothing left at the end.

Run by `make test-vagrant` alone: where the processors are emulated it takes most of an hour.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit.course import find_blueprint
from labkit.errors import EXIT_INCONCLUSIVE, EXIT_NOT_READY
from labkit.lab.common import address
from labkit.lab.containers.engine import connect
from labkit.lab.containers.listing import LAB_LABEL
from labkit.lab.containers.network import MIRROR_ADDRESS, ensure_network, network_name
from labkit.lab.mirror import ensure_mirror, run_mirror
from tests.integration.conftest import ROOT, Cli

LAB = "vms"
LIMIT_S = 3600.0  # for one command: an emulated machine is some ten times slower
MIRROR_PORT = 5000
TRIES = 8

Virsh = Callable[..., list[str]]


def script(name: str, *words: str) -> str:
    """What one of the project's scripts prints; it must succeed."""
    path = str(ROOT / "scripts" / name)
    return subprocess.run([path, *words], stdout=subprocess.PIPE, text=True, check=True).stdout


@pytest.fixture(scope="session")
def driver() -> Iterator[str]:
    """How guests run here, "kvm" or "qemu"; a libvirt that was started for it ends again."""
    yield script("hypervisor").strip()
    script("hypervisor", "stop")


@pytest.fixture(scope="session")
def virsh(driver: str) -> Virsh:
    """The lines that `virsh WORDS` prints."""
    del driver

    def ask(*words: str) -> list[str]:
        command = ["virsh", "--quiet", "--connect", "qemu:///system", *words]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        return [line.strip() for line in said.splitlines() if line.strip()]

    return ask


@pytest.fixture(scope="session")
def box(virsh: Virsh) -> Iterator[Path]:
    """The box; the volume that Vagrant keeps of it goes at the end."""
    path = Path(script("box").strip())
    yield path
    for pool in virsh("pool-list", "--name"):
        for volume in virsh("vol-list", pool):
            if volume.startswith(f"{path.stem}_vagrant_box_image"):
                virsh("vol-delete", volume.split()[0], "--pool", pool)


@pytest.fixture(scope="session")
def cli(driver: str, box: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """`labkit` for virtual machines from this box, with state and Vagrant folders of its own."""
    environment = {
        **os.environ,
        "XDG_STATE_HOME": str(tmp_path_factory.mktemp("state")),
        "VAGRANT_HOME": str(tmp_path_factory.mktemp("vagrant")),
        "LABKIT_LANG": "en",
        "LABKIT_BOX": box.stem,
        "LABKIT_BOX_URL": str(box),
        "LABKIT_LIBVIRT_DRIVER": driver,
    }
    labkit = Cli(LAB, environment, tmp_path_factory.mktemp("cwd"), LIMIT_S)
    yield labkit
    labkit("destroy")
    left = labkit("leftovers", code=None)
    assert LAB not in left.stdout, left.stdout


@pytest.fixture(scope="session")
def mirror() -> Iterator[str]:
    """The embedded lab's own mirror, in a network of its own to which the machines are routed."""
    engine = connect()
    ensure_mirror(engine, print, find_blueprint().images)
    network = network_name(LAB)
    place = address(ensure_network(engine, LAB), MIRROR_ADDRESS)
    labels = {LAB_LABEL: LAB}
    name = f"labkit-{LAB}-mirror"
    container = run_mirror(engine, name=name, network=network, address=place, labels=labels)
    yield f"http://{place}:{MIRROR_PORT}"
    container.remove(force=True, v=True)
    engine.networks.get(network).remove()


@pytest.fixture(scope="session")
def up(cli: Cli, mirror: str) -> Cli:
    """The three machines, running; which mirror they ask stays with them."""
    cli("up", "--provider", "vagrant", LABKIT_MIRROR=mirror)
    return cli


@pytest.fixture(scope="session")
def done(up: Cli) -> Cli:
    """The three machines with all thirteen steps carried out.

    The limits of the checks are for real processors, and stay. What an emulated one does not settle
    in time is unclear, never passed, and stops the steps; the next run resumes there. Before it the
    image is built with no limit: its layers are there then, which the check of step 2 allows.
    """
    unclear = (EXIT_INCONCLUSIVE, EXIT_NOT_READY)
    for _ in range(TRIES):
        ended = up("step", "all", code=None)
        if ended.returncode not in unclear:
            break
        up("exec", "web1", "--", "docker", "build", "-q", "/srv/student-list/simple_api", code=None)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return up
