"""What a computer and the machines of a lab say of themselves, as one text to send to somebody.

Most of what decides whether a practical works on a system cannot be seen from elsewhere: the
packages that its repositories have, what SELinux denies, what its firewall lets in. This asks for
it, in questions that change nothing: no key, no password, no file that a learner wrote.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator, Mapping

from labkit import __version__
from labkit.errors import LabkitError
from labkit.lab import Lab, open_shells
from labkit.lab.doctor import Finding
from labkit.remote import Shell

TAIL_LINES = 40  # of each answer

# Heading -> question, whatever the course. Those that only one family of systems can answer are
# silent on the other.
QUESTIONS = {
    "system": "cat /etc/os-release; uname -a; systemd-detect-virt; nproc; free -m; df -h /",
    "units that failed": "systemctl --failed --no-pager --plain",
    "clock": "timedatectl show -p NTPSynchronized -p TimeUSec",
    "repositories": "command -v dnf >/dev/null && dnf -q repolist",
    "SELinux": (
        "command -v getenforce >/dev/null && { getenforce; "
        "sudo -n ausearch -m avc -ts today 2>/dev/null | tail -n 20; }"
    ),
    "firewall": (
        "sudo -n firewall-cmd --state; sudo -n firewall-cmd --list-all; "
        "sudo -n firewall-cmd --permanent --list-all"
    ),
    "Docker": (
        "sudo -n docker version; sudo -n docker info; sudo -n docker ps -a; "
        "sudo -n cat /etc/docker/daemon.json"
    ),
}


def survey(lab: Lab, findings: Iterable[Finding], more: Mapping[str, str]) -> str:
    """The report: this computer, then each machine that runs. Never raises for one that does not.

    `more` is what the course asks besides (`labkit.course.Course.survey`). Markdown, a few hundred
    lines; personal names stand in it only where a host or a user bears one.
    """
    return "\n".join(_lines(lab, findings, {**QUESTIONS, **more})) + "\n"


def _lines(lab: Lab, findings: Iterable[Finding], asked: Mapping[str, str]) -> Iterator[str]:
    yield f"# labkit {__version__}: what this lab says of itself"
    yield ""
    yield f"- computer: {platform.platform()}, Python {platform.python_version()}"
    for finding in findings:
        yield f"- {'fit' if finding.fit else 'NOT FIT'}: {finding.what}: {finding.seen}"
    try:
        facts = lab.provider.describe()
        running = [name for name, machine in lab.machines().items() if machine.running]
        shells = open_shells(lab, names=running) if running else {}
    except LabkitError as error:
        yield f"- the lab could not be asked: {error}"
        return
    yield f"- lab: {json.dumps(facts)}"
    if not shells:
        yield "- no machine runs: labkit up, the steps, then this report once more"
    for name, shell in shells.items():
        yield f"\n## {name}"
        yield from _of_machine(shell, asked)
        shell.close()


def _of_machine(shell: Shell, asked: Mapping[str, str]) -> Iterator[str]:
    for heading, question in asked.items():
        try:
            said = shell.ask(f"{{ {question}; }} 2>&1").stdout.strip()
        except LabkitError as error:
            said = str(error)
        lines = said.splitlines()
        cut = ["..."] if len(lines) > TAIL_LINES else []
        yield "\n".join(["", f"### {heading}", "", "```", *cut, *lines[-TAIL_LINES:], "```"])
