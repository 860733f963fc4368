"""`labkit up` against a plain start of the same three nodes, in turn; and their memory.

    python -m benchmarks.up [--pairs 3]

The plain start makes the same three containers with the same settings, starts them in parallel
and waits until systemd in each says `running`. `labkit up` does more: network, mirror, an SSH
login and `docker info` on each. Limit: 1.5 times the plain start, by the median of the pairs.
Images must be there before (`labkit up && labkit destroy`).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from benchmarks.result import Figure, Result, ratios
from labkit.course import find_blueprint
from labkit.lab import open_lab
from labkit.lab.common import address
from labkit.lab.containers import node as nodes
from labkit.lab.containers.engine import connect
from labkit.lab.containers.images import ensure_node_image
from labkit.lab.containers.network import MIRROR_ADDRESS, ensure_network
from labkit.lab.containers.provider import ContainerProvider
from labkit.lab.store import key_pair, lab_folder
from labkit.remote import everywhere

TAKES = "2 minutes"
LAB = "bench"
LIMIT = 1.5
MEMORY_LIMIT_MIB = 400


def quiet(_line: str) -> None:
    """No progress: only the time counts."""


def labkit_up() -> float:
    """Seconds of `labkit up`, as a user has it: a process of its own."""
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "labkit.cli.main", "--lab", LAB, "up"],
        check=True,
        capture_output=True,
    )
    return time.monotonic() - started


def plain_start() -> float:
    """Seconds until three plainly started containers of the same image say `running`."""
    engine = connect()
    image = ensure_node_image(engine, quiet, find_blueprint())
    subnet = ensure_network(engine, LAB)
    folder = lab_folder(LAB)
    planned = [
        nodes.Node(
            lab=LAB,
            name=one.name,
            image=image,
            number=number,
            address=address(subnet, one.address),
            mirror=address(subnet, MIRROR_ADDRESS),
            user=find_blueprint().user,
            os="",
            host_key=key_pair(folder / f"{one.name}_host_key"),
            login_key=key_pair(folder / "id_ed25519"),
        )
        for number, one in enumerate(find_blueprint().machines)
    ]

    def start(node: nodes.Node) -> None:
        nodes.boot(engine, node)
        container = engine.containers.get(node.container_name)
        while True:
            state = container.exec_run(["systemctl", "is-system-running", "--wait"])
            if state.output.strip() in (b"running", b"degraded"):
                return
            time.sleep(0.05)

    started = time.monotonic()
    everywhere(start, planned)
    return time.monotonic() - started


def memory_mib() -> float:
    """Memory of the three running nodes, as the engine accounts it, page cache apart."""
    engine = connect()
    total = 0.0
    for name in find_blueprint().names:
        stats = engine.containers.get(f"labkit-{LAB}-{name}").stats(stream=False)
        usage = stats["memory_stats"]
        cache = usage.get("stats", {})
        total += usage["usage"] - cache.get("total_inactive_file", cache.get("inactive_file", 0))
    return total / 2**20


def destroy() -> None:
    """Remove the benchmark's lab."""
    open_lab(LAB).provider.destroy(quiet)


def measure(pairs: int = 3) -> Result:
    """Seconds of both, in pairs, A B A B, their ratios, and the nodes' memory."""
    ContainerProvider(LAB).up(quiet)  # images and mirror are there from here on
    destroy()
    ups, plains = [], []
    memory = 0.0
    for _pair in range(pairs):
        ups.append(labkit_up())
        memory = memory or (time.sleep(5) or memory_mib())
        destroy()
        plains.append(plain_start())
        destroy()
    ratio = ratios("labkit up, in plain starts", ups, plains)
    return Result(
        (
            ratio,
            Figure("labkit up", tuple(ups), "s"),
            Figure("plain start", tuple(plains), "s"),
            Figure("memory of three idle nodes", (memory,), "MiB"),
        ),
        held=ratio.median <= LIMIT and memory <= MEMORY_LIMIT_MIB,
        versions={"engine": str(connect().version()["Version"])},
    )


def main() -> None:
    """Measure in pairs and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=3)
    measure(parser.parse_args().pairs).finish()


if __name__ == "__main__":
    main()
