"""Which images are taken away before another submission, in either store of an engine.

`docker` and `ctr` are scripts that say what Docker Engine 26.1 said, of the same images in both.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from steps.undo import NO_IMAGES

PULLED = "928619ee3fc6"
PAGE = "0a0cbaf85609"
PUSHED = "75819027400a"
# As `docker image ls` has them: repository, tag, the beginning of an id.
IMAGES = (
    ("student-age", "1.0", PUSHED),
    ("lb:5000/student-age", "1.0", PUSHED),
    ("alone", "1", "d171290d702e"),
    ("registry", "2", PULLED),
    ("registry", "2.7", PULLED),
    ("registry", "2.6", "284f6a9a444f"),
    ("joxit/docker-registry-ui", "latest", PAGE),
    ("joxit/docker-registry-ui", "9", PULLED),
    ("foo", "1", PULLED),
)
OWN = ["student-age:1.0", "lb:5000/student-age:1.0", "alone:1", "registry:2.6",
       "joxit/docker-registry-ui:9", "foo:1"]  # fmt: skip
CONTENT = f"""\
DIGEST\tSIZE\tAGE\tLABELS
sha256:{PULLED}\t1.568kB\t2 minutes\tcontainerd.io/distribution.source.docker.io=library/registry,\
containerd.io/gc.ref.content.config=sha256:f627ff2f94fb
sha256:{PAGE}\t1.2kB\t2 minutes\t\
containerd.io/distribution.source.docker.io=joxit/docker-registry-ui
sha256:{PUSHED}\t1.7kB\t2 minutes\tcontainerd.io/distribution.source.lb:5000=student-age
sha256:d171290d702e\t1.7kB\t2 minutes\tcontainerd.io/gc.ref.content.config=sha256:03210f3d8d7a
"""


def removed(folder: Path, store: str, listed: list[str], content: str) -> list[str]:
    """The names that are given to `docker image rm` by an engine that says this of itself."""
    scripts = {
        "docker": f"""\
case "$1 $2" in
"info -f") echo '{store}' ;;
"image ls") printf '%s\\n' {" ".join(f"'{line}'" for line in listed)} ;;
"image rm") shift 3; printf '%s\\n' "$@" > {folder}/removed ;;
esac
""",
        "ctr": f"cat <<'EOF'\n{content}EOF\n" if content else "exit 1\n",
    }
    for name, text in scripts.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
        path.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", NO_IMAGES], check=True, env=environment, timeout=20)
    return (folder / "removed").read_text(encoding="utf-8").split()


IN_CONTAINERD = [f"image {name} {tag} sha256:{digest}" for name, tag, digest in IMAGES]
SNAPSHOTTER = "[[driver-type io.containerd.snapshotter.v1]]"


def test_containerds_store_keeps_what_was_pulled_under_its_own_name(tmp_path: Path) -> None:
    assert removed(tmp_path, SNAPSHOTTER, IN_CONTAINERD, CONTENT) == OWN


def test_nothing_stays_where_nobody_can_tell_what_was_pulled(tmp_path: Path) -> None:
    everything = [f"{name}:{tag}" for name, tag, _digest in IMAGES]
    assert removed(tmp_path, SNAPSHOTTER, IN_CONTAINERD, "") == everything


@pytest.mark.parametrize("store", ["[[Backing Filesystem tmpfs] [Supports d_type true]]", ""])
def test_the_classic_store_keeps_what_has_a_digest(tmp_path: Path, store: str) -> None:
    pulled = {"registry": ("2", "2.7"), "joxit/docker-registry-ui": ("latest",)}
    listed = [
        f"{name} {tag} {f'sha256:{digest}' if tag in pulled.get(name, ()) else '<none>'}"
        for name, tag, digest in IMAGES
    ]
    assert removed(tmp_path, store, listed, "") == OWN
