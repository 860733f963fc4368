"""b) One address by VRRP, held by whichever balancer would serve a visitor."""

from __future__ import annotations

from collections.abc import Mapping

from subject.machines import BALANCERS

from labkit.course import Artefact, Files, step
from labkit.remote import Shell, Shells, everywhere
from steps import keepalived_grammar, undo
from steps.project import ADDRESS, ADDRESSES, addresses, refuse

# RFC 9568, 5.1: VRRP is a protocol of its own, number 112, beside TCP and UDP.
LET_VRRP_IN = "--add-protocol=vrrp"
VALIDATE = "sudo keepalived --config-test --use-file {path}"


@step(
    2,
    "address",
    letter="b",
    on=["lb1", "lb2"],
    needs=["servers"],
    artefacts=[*ADDRESS.values()],
    undo=undo.address,
    title={"en": "An address that moves", "fr": "Une adresse qui se déplace"},
)
def address(shells: Shells, files: Files) -> None:
    """The addresses of this lab, then keepalived on both."""
    place(shells, files, ADDRESS)


def place(shells: Shells, files: Files, artefacts: Mapping[str, Artefact]) -> None:
    """Put these configurations in their places and load them."""
    lb1, lb2 = (shells[name] for name in BALANCERS)

    def keep(shell: Shell) -> None:
        if files.submission:
            artefact = artefacts[shell.name]
            found = keepalived_grammar.refused(
                files.content(artefact).data.decode("utf-8", "replace")
            )
            refuse(shell, "keepalived", artefact.remote, {one.word: one.line for one in found})
        shell.install(redhat=("keepalived",), debian=("keepalived",))
        changed = shell.write(ADDRESSES, addresses(shell, lb1, lb2), root=True)
        changed |= files.place(artefacts[shell.name], shell)
        shell.run(VALIDATE.format(path=artefacts[shell.name].remote))
        shell.open_port(LET_VRRP_IN)
        if not shell.service("keepalived") and changed:
            shell.run("sudo systemctl reload keepalived")

    everywhere(keep, [lb1, lb2])
