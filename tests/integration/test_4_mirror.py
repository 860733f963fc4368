"""The mirror: base images under their public names, and further ones added by hand."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import docker
import pytest
import requests

from labkit.lab.bundle import LOCK, read_lock
from labkit.lab.mirror.recipes import REGISTRY, recipe
from labkit.lab.mirror.server import serving
from steps.images import as_it_was
from subject.published import stand_in
from tests.integration.conftest import Cli

LOCAL = "labkit/selftest:1"
PUBLIC = "labkit-selftest/hello:1"


@pytest.fixture
def local_image() -> Iterator[str]:
    """A tiny image on the local engine: one file, nothing to run."""
    engine = docker.from_env()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("hello")
        entry.size = 5
        tar.addfile(entry, io.BytesIO(b"hello"))
    engine.api.import_image_from_data(packed.getvalue(), repository="labkit/selftest", tag="1")
    yield LOCAL
    engine.images.remove(LOCAL, force=True)


@pytest.mark.parametrize(
    "name",
    ["python:3.12-slim", "python:3.9", "php:apache", "registry:2", "joxit/docker-registry-ui"],
)
def test_public_names_are_there_offline(
    fresh: Cli, exec_on: Callable[[str, str], str], name: str
) -> None:
    """A machine pulls the names that students write, without a registry outside the lab."""
    del fresh
    assert exec_on("web2", f"docker pull -q {name}").strip()


def test_an_image_added_by_hand(
    fresh: Cli, exec_on: Callable[[str, str], str], local_image: str
) -> None:
    """`labkit bundle --add` puts an image of the local engine there under a public name."""
    added = fresh("bundle", "--add", local_image, "--as", PUBLIC).stdout
    assert "sha256:" in added
    exec_on("web1", f"docker pull -q {PUBLIC}")
    assert exec_on("web1", f"docker create --name hello {PUBLIC} none; docker cp hello:/hello - |"
                           " tar -xO; docker rm hello").count("hello") >= 1  # fmt: skip


def test_a_class_bundle_is_proven_file_by_file_and_image_by_image(
    fresh: Cli, local_image: str, tmp_path: Path
) -> None:
    """What is written holds; a byte of a file, and a name of the mirror that differs, are found."""
    bundle = tmp_path / "bundle"
    written = fresh("bundle", "--for-class", str(bundle))
    assert f"labkit bundle --from {bundle}" in written.stderr
    fresh("bundle", "--verify", str(bundle))
    lock = read_lock(bundle)
    assert {"python:3.12-slim", "registry:2"} <= set(lock.mirror)

    damaged = bundle / next(name for name in lock.files if name.startswith("labkit-node-"))
    whole = damaged.read_bytes()
    with damaged.open("r+b") as file:
        file.seek(len(whole) // 2)
        file.write(bytes([whole[len(whole) // 2] ^ 1]))
    assert damaged.name in fresh("bundle", "--verify", str(bundle), code=1).stdout
    assert str(damaged) in fresh("bundle", "--from", str(bundle), code=2).stderr
    damaged.write_bytes(whole)

    fresh("bundle", "--add", local_image, "--as", PUBLIC)
    (bundle / LOCK).write_text(
        json.dumps({**asdict(lock), "mirror": {**lock.mirror, PUBLIC: "sha256:another"}})
    )
    assert PUBLIC in fresh("bundle", "--verify", str(bundle), code=1).stdout
    (bundle / LOCK).write_text(json.dumps(asdict(lock)))
    fresh("bundle", "--from", str(bundle))


def test_a_folder_with_something_else_is_no_place_for_a_bundle(fresh: Cli, tmp_path: Path) -> None:
    (tmp_path / "holiday.tar.gz").write_bytes(b"")
    assert str(tmp_path) in fresh("bundle", "--for-class", str(tmp_path), code=2).stderr
    assert "labkit bundle --for-class" in fresh("bundle", "--from", str(tmp_path), code=2).stderr
    assert [one.name for one in tmp_path.iterdir()] == ["holiday.tar.gz"]


def test_an_image_that_is_not_there(fresh: Cli) -> None:
    """A misspelt image is refused with a sentence."""
    refused = fresh("bundle", "--add", "no/such-image:1", code=4)
    assert "no/such-image:1" in refused.stderr
    assert "next" in refused.stderr


def test_a_build_installs_the_requirements_offline(exec_on: Callable[[str, str], str]) -> None:
    """`pip install` in a student's build works without any index, with both builders."""
    script = (
        "mkdir -p /root/try; cd /root/try;"
        " printf 'FROM python:3.12-slim\\nRUN pip install flask flask-httpauth\\n' > Dockerfile;"
        " {0} docker build -q --no-cache . 2>&1"
    )
    for builder in ("DOCKER_BUILDKIT=1", "DOCKER_BUILDKIT=0"):
        assert "sha256:" in exec_on("web2", script.format(builder))


@pytest.mark.parametrize(
    ("system", "installed"),
    [("ubuntu:16.04", "python-pip"), ("ubuntu:24.04", "python3-pip"), ("debian:12", "python3-pip")],
)
def test_a_bare_system_has_python_and_pip_once_they_are_installed(
    exec_on: Callable[[str, str], str], system: str, installed: str
) -> None:
    """The lab's image of Python, made on the machine into one that has neither."""
    nearest = stand_in(system)
    assert nearest
    exec_on("web2", f"docker pull -q {nearest}; docker tag {nearest} {system}")
    exec_on("web2", as_it_was(system, nearest))
    bare = f"docker run --rm {system} sh -c"
    assert exec_on("web2", f"{bare} 'command -v python3 pip pip3 || echo neither'") == "neither\n"
    install = f"apt-get update -q; apt-get install -qy {installed} >/dev/null 2>&1"
    said = exec_on("web2", f"{bare} '{install}; python3 --version; pip3 --version' 2>&1")
    assert "Python 3" in said
    assert "pip " in said


def test_what_fills_it_lets_nobody_else_in() -> None:
    """Its registry, which the whole computer reaches meanwhile, asks for the run's own password."""
    engine = docker.from_env()
    with serving(engine, recipe(REGISTRY).local_reference) as registry:
        uploads = f"http://{registry.address}/v2/x/blobs/uploads/"
        assert requests.post(uploads, timeout=5).status_code == requests.codes.unauthorized
        assert list(registry.names())
