"""Steps 1, 4, 8, 11, 12 by labkit, ansible-core, pyinfra. NOT RUN TO ITS END YET: claims nothing.

    python -m benchmarks.converge [--repeat 3]

Steps 1, 4, 8, 11 and 12: names, Docker, the compose file, the registry with its certificate and
password, HAProxy with its log. What is no configuration work (steps 2, 3, 5 to 7, 10) is put in
place by labkit between the timed parts. Each tool begins on fresh machines; then it is called once
more when there is nothing to do, all five steps in one process. `labkit check` of the five steps
must pass after each tool. labkit's time holds more than the others': it pushes the image in step 8
and asks its checks before and after each step. The others have the settings that their
documentation advises for speed (ansible.cfg here: pipelining, one kept connection, no gathering of
facts; pyinfra: its default, all machines at once).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.competitors import installed, versions
from benchmarks.result import Figure, Result, ratios
from labkit.course import load_course
from labkit.lab import Machine, open_lab
from steps.project import IMAGE, REGISTRY_PASSWORD, REGISTRY_USER

TAKES = "20 minutes"
LAB = "bench-converge"
HERE = Path(__file__).parent
FIVE = (1, 4, 8, 11, 12)
# The steps that are timed in one go, and what is put in place before them.
PARTS: tuple[tuple[tuple[int, ...], str], ...] = (
    ((1,), ""), ((4,), "2-3"), ((8,), "5-7"), ((11, 12), "10"),
)  # fmt: skip
# `labkit step` takes one step, a range or all: five chosen ones in one process need this.
CHOSEN = """\
from labkit.cli import main, v_step
v_step.select = lambda course, wanted: [course.step(number) for number in wanted.split(",")]
main.main()
"""

Converge = Callable[[Sequence[int]], None]


def call(words: Sequence[str], **environment: str) -> None:
    """Run a program; SystemExit with what it said if it fails."""
    done = subprocess.run(
        words, cwd=HERE, env={**os.environ, **environment},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout[-4000:]}")


def labkit_does(*words: str) -> None:
    """A command of labkit on the lab, without checkpoints: the others keep none."""
    call([sys.executable, "-m", "labkit.cli.main", "--lab", LAB, *words], LABKIT_CHECKPOINTS="0")


def labkit(steps: Sequence[int]) -> None:
    """The steps, in one process."""
    wanted = ",".join(map(str, steps))
    words = [sys.executable, "-c", CHOSEN, "--lab", LAB, "step", wanted]
    call(words, LABKIT_CHECKPOINTS="0")


def _ssh_options(machine: Machine) -> str:
    return (
        f"-o UserKnownHostsFile={machine.known_hosts} -o StrictHostKeyChecking=yes"
        " -o IdentitiesOnly=yes"
    )


def ansible(steps: Sequence[int]) -> None:
    """The playbook's parts."""
    lines = [
        f"{one.name} ansible_host={one.address} ansible_port={one.port} ansible_user={one.user}"
        f" ansible_ssh_private_key_file={one.key} ansible_ssh_common_args='{_ssh_options(one)}'"
        for one in open_lab(LAB).machines().values()
    ]
    inventory = open_lab(LAB).state / "inventory.ini"
    inventory.write_text("\n".join(lines) + "\n", encoding="utf-8")
    variables = {
        "reference": _reference(),
        "registry_user": REGISTRY_USER,
        "registry_password": REGISTRY_PASSWORD,
    }
    words = [installed("ansible-playbook"), "-i", str(inventory), "playbook.yml"]
    words += ["--tags", ",".join(f"s{step:02d}" for step in steps)]
    for name, value in variables.items():
        words += ["-e", f"{name}={value}"]
    call(words, ANSIBLE_CONFIG=str(HERE / "ansible.cfg"))


def pyinfra(steps: Sequence[int]) -> None:
    """The deploy's parts."""
    state = open_lab(LAB).state
    hosts = [
        (one.name, {
            "ssh_hostname": one.address, "address": one.address, "ssh_port": one.port,
            "ssh_user": one.user, "ssh_key": str(one.key),
            "ssh_known_hosts_file": str(one.known_hosts),
            "ssh_strict_host_key_checking": "yes",
        })
        for one in open_lab(LAB).machines().values()
    ]  # fmt: skip
    inventory = state / "inventory.py"
    inventory.write_text(f"hosts = {hosts!r}\n", encoding="utf-8")
    call(
        [installed("pyinfra"), "-y", str(inventory), "deploy.py"],
        REFERENCE=_reference(),
        STEPS=",".join(map(str, steps)),
        REGISTRY_USER=REGISTRY_USER,
        REGISTRY_PASSWORD=REGISTRY_PASSWORD,
        AUTHORITY=str(state / "registry-ca.crt"),
    )


def _reference() -> str:
    return str(load_course().root / "steps" / "reference")


TOOLS: dict[str, Converge] = {"labkit": labkit, "ansible-core": ansible, "pyinfra": pyinfra}


def seconds(work: Callable[[], None]) -> float:
    """How long it takes."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


def one_round(tool: Converge) -> tuple[float, float]:
    """Seconds of a tool on fresh machines, and again; SystemExit if a check does not pass then."""
    labkit_does("reset", "0")
    first = 0.0
    for steps, before in PARTS:
        if before:
            labkit_does("step", before)
        first += seconds(lambda steps=steps: tool(steps))  # type: ignore[misc]
    if tool is not labkit:  # the push is no configuration work: the others leave it out
        push = f"docker tag {IMAGE} lb:5000/{IMAGE} && docker push -q lb:5000/{IMAGE}"
        labkit_does("ssh", "web1", "--", push)
    prove()
    again = seconds(lambda: tool(FIVE))
    prove()
    return first, again


def prove() -> None:
    """Our own checks of the five steps; SystemExit if one does not pass."""
    for step in FIVE:
        labkit_does("check", str(step))


def measure(repeat: int = 3) -> Result:
    """Seconds per tool, first and again, and how many times labkit's the others' are."""
    installed("ansible-playbook")
    first: dict[str, list[float]] = {name: [] for name in TOOLS}
    again: dict[str, list[float]] = {name: [] for name in TOOLS}
    try:
        for _round in range(repeat):
            for name, tool in TOOLS.items():
                begun, repeated = one_round(tool)
                first[name].append(begun)
                again[name].append(repeated)
                print(f"{name}: {begun:.1f} s, again {repeated:.1f} s", file=sys.stderr)
    finally:
        labkit_does("destroy")
    figures = []
    for what, found in (("first", first), ("nothing to do", again)):
        others = [name for name in TOOLS if name != "labkit"]
        figures += [
            ratios(f"{name}, {what}, in labkits", found[name], found["labkit"]) for name in others
        ]
        figures += [Figure(f"{name}, {what}", tuple(found[name]), "s") for name in TOOLS]
    return Result(tuple(figures), versions=versions("ansible-core", "pyinfra"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=3)
    measure(parser.parse_args().repeat).finish()


if __name__ == "__main__":
    main()
