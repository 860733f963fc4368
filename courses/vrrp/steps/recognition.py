"""A submission, recognised: which of its files is which artefact. Pure: files in, facts out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

from subject.machines import BALANCERS, WEBS

from labkit.course import AS_USUAL, ReadingRules, Submission
from labkit.locale import _
from labkit.remote import Shells, everywhere
from steps.project import ADDRESSES, CALM, HAPROXY, PAGES

INSTANCE = re.compile(r"^\s*vrrp_instance\b", re.MULTILINE)
BALANCER = re.compile(r"^(frontend|backend|listen)\b", re.MULTILINE)
PRIORITY = re.compile(r"^\s*priority\s+(\d+)", re.MULTILINE)
ADDRESS = r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"
OWN = re.compile(rf"^\s*unicast_src_ip\s+({ADDRESS})", re.MULTILINE)
PEER = re.compile(rf"unicast_peer\s*\{{\s*({ADDRESS})")
MOVING = re.compile(rf"virtual_ipaddress\s*\{{\s*({ADDRESS})")
SETTLE_S = 20
READY = (
    "for _ in $(seq {seconds}); do"
    ' systemctl is-active -q keepalived && test -n "$(ip -o address show scope global |'
    " grep -v ' lo ')\" && exit 0; sleep 1; done; exit 1"
)


def recognise(
    files: Mapping[str, bytes],
    reference: Path,
    reading: ReadingRules = AS_USUAL,
    *,
    executable: Collection[str] = (),
) -> Submission:
    """What the course finds in these files.

    The addresses of a student's own lab are those of no other: where a keepalived.conf names
    them, by the part that each plays, this lab's take their place.
    """
    del reference
    texts = {path: _text(data) for path, data in files.items()}
    sources = dict(_sources(texts))
    notes = []
    placed = dict(files)
    for name in BALANCERS:
        source = sources.get(CALM[name].path)
        if source is None:
            continue
        text, changed = _readdressed(texts[source], name)
        placed[source] = text.encode()
        if changed:
            notes.append(
                _("{file}: its addresses are those of this lab ({names})", file=source,
                  names=", ".join(changed))
            )  # fmt: skip
    return Submission(
        files=placed,
        sources=sources,
        original={artefact: files[path] for artefact, path in sources.items()},
        notes=tuple(notes),
        fill=reading.fill,
        executable=frozenset(executable),
    )


def settle(shells: Shells) -> None:
    """Wait until one of the balancers had the time to take the address."""
    both = [shells[name] for name in BALANCERS if name in shells]
    question = READY.format(seconds=SETTLE_S)
    everywhere(lambda shell: shell.ask(question, timeout=SETTLE_S + 10), both)


def _sources(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Artefact and file, for all that are found."""
    paths = sorted(texts, key=lambda path: (path.count("/"), path))
    balancers = [path for path in paths if BALANCER.search(texts[path])]
    if balancers:
        yield HAPROXY.path, balancers[0]
    instances = [path for path in paths if INSTANCE.search(texts[path])]
    leading = sorted(instances, key=lambda path: -_priority(texts[path]))
    for index, name in enumerate(BALANCERS):
        named = [path for path in instances if _names(path, name, str(index + 1))]
        if named:
            yield CALM[name].path, named[0]
        elif len(instances) == len(BALANCERS):
            yield CALM[name].path, leading[index]
    pages = [path for path in paths if PurePosixPath(path).suffix in (".html", ".htm")]
    for index, web in enumerate(WEBS):
        named = [path for path in pages if _names(path, web, str(index + 1)) or web in texts[path]]
        if named:
            yield PAGES[web].path, named[0]


def _names(path: str, *words: str) -> bool:
    parts = {part for part in re.split(r"[/._\s-]+", path.lower()) if part}
    return any(word in parts for word in words)


def _priority(text: str) -> int:
    found = PRIORITY.search(text)
    return int(found.group(1)) if found else 100


def _readdressed(text: str, name: str) -> tuple[str, list[str]]:
    """A keepalived.conf with this lab's addresses in the place of literal ones; what was changed.

    Whose an address is follows from where it stands: one's own, the peer's, the one that moves.
    """
    mine, other = ("LB1", "LB2") if name == "lb1" else ("LB2", "LB1")
    parts = {
        found.group(1): variable
        for pattern, variable in ((OWN, mine), (PEER, other), (MOVING, "WWW"))
        if (found := pattern.search(text))
    }
    changed = []
    for address, variable in parts.items():
        text = re.sub(rf"(?<![\d.]){re.escape(address)}(?![\d.])", f"${{{variable}}}", text)
        changed.append(f"{address} -> {variable}")
    device = re.sub(r"^(\s*interface\s+)(?!\$)\S+", r"\1${DEVICE}", text, flags=re.MULTILINE)
    if device != text:
        changed.append("interface")
    if (changed or "${" in device or "$" in device) and ADDRESSES not in device:
        device = f"include {ADDRESSES}\n{device}"
    return device, changed


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
