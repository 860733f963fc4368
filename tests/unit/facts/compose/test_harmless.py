"""What a compose file may ask for is listed; whatever else it asks for is refused."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.facts.compose.harmless import asked_for, swappable

HOME = "/srv/project"


def mount(source: str, target: str = "/x", *, read_only: bool = False) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": target, "read_only": read_only}


FILE_OF_MACHINE = {"secret": {"file": "/etc/shadow"}}
HOSTILE_FILES: dict[str, dict[str, Any]] = {
    "a secret that is a file of the machine": {"secrets": FILE_OF_MACHINE},
    "a config that is a file of the machine": {"configs": FILE_OF_MACHINE},
    "a secret by a way round": {"secrets": {"x": {"file": "../../etc/shadow"}}},
    "a volume that is the disk": {
        "volumes": {"x": {"driver_opts": {"type": "none", "o": "bind", "device": "/"}}}
    },
    "a volume of overlay": {"volumes": {"x": {"driver_opts": {"type": "overlay"}}}},
    "a volume of proc": {"volumes": {"x": {"driver_opts": {"type": "proc", "device": "proc"}}}},
    "a volume of cgroups": {"volumes": {"x": {"driver_opts": {"type": "cgroup2"}}}},
    "a driver of volumes": {"volumes": {"x": {"driver": "vieux/sshfs"}}},
    "a network on the machine's card": {"networks": {"x": {"driver": "macvlan"}}},
    "options of a network": {"networks": {"x": {"driver_opts": {"parent": "eth0"}}}},
    "a key of next year": {"machines": {"x": {}}},
    "a program that reads the Dockerfile": {
        "services": {"api": {"build": {"context": ".", "args": {"BUILDKIT_SYNTAX": "x/y"}}}}
    },
    "a program that reads the Dockerfile, in a list": {
        "services": {"api": {"build": {"context": ".", "args": ["A=1", "BUILDKIT_SYNTAX=x/y"]}}}
    },
    "a thousand copies": {"services": {"api": {"deploy": {"replicas": 1000}}}},
    "a thousand copies, by the old word": {"services": {"api": {"scale": 1000}}},
    "a name that is a command": {"services": {"api; sudo touch /pwned #": {"image": "x"}}},
    "a name that is an option": {"services": {"--build": {"image": "x"}}},
    "a link in a folder that another container writes to": {
        "services": {
            "one": {"volumes": [mount("./www")]},
            "two": {"volumes": [mount("./www/root", read_only=True)]},
        }
    },
}  # fmt: skip


@pytest.mark.parametrize("document", HOSTILE_FILES.values(), ids=HOSTILE_FILES)
def test_hostile_compose_files_are_refused(document: dict[str, Any]) -> None:
    assert len(asked_for(document, HOME)) == 1


def test_what_is_read_only_cannot_be_swapped() -> None:
    services = {"one": {"volumes": [mount("./www", read_only=True), mount("./www/a", "/a")]}}
    assert swappable({"services": services}, HOME) == []
    assert swappable({"services": {"one": {"volumes": [mount("./www"), mount("./www2", "/a")]}}},
                     HOME) == []  # fmt: skip
