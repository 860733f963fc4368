"""The bare Debian roots that the stand-ins of the mirror and the Debian machines start from."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import docker
from docker.errors import APIError

from labkit.errors import NotReadyError
from labkit.lab.mirror.building import KIND_LABEL, RECIPE_LABEL, has_image, not_ready, recipe_hash
from labkit.lab.mirror.way_out import proxies
from labkit.locale import _
from labkit.reporting import Say

SUITES = {"13": "trixie", "12": "bookworm"}  # release -> what its archive calls it
NEWEST = "13"  # that of the stand-ins
# These stay in force inside the root, so that what a recipe adds is as lean as the root itself.
_DPKG_OPTIONS = (
    "force-unsafe-io",  # no fsync for each file: an image that is cut short is thrown away
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",  # licences travel with the binaries
)
_APT_OPTIONS = ('Acquire::Languages "none"', 'Acquire::Retries "3"')


def bootstrap_command(target: Path, release: str = NEWEST) -> list[str]:
    """The command that writes the root of a release, one of SUITES, as the tar file `target`."""
    return [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        "--components=main",
        *(f"--dpkgopt={option}" for option in _DPKG_OPTIONS),
        *(f"--aptopt={option}" for option in _APT_OPTIONS),
        SUITES[release],
        str(target),
    ]


def root_reference(release: str = NEWEST) -> str:
    """The name of the root's image on the local engine; it changes with the recipe."""
    command = bootstrap_command(Path("root.tar"), release)
    return f"labkit/debian:{release}-{recipe_hash(extra=' '.join(command))}"


def ensure_root(engine: docker.DockerClient, say: Say, release: str = NEWEST) -> str:
    """Make the bare image of a Debian release unless the engine has it; return its reference.

    Raises NotReadyError when mmdebstrap is missing or fails.
    """
    reference = root_reference(release)
    if has_image(engine, reference):
        return reference
    if shutil.which("mmdebstrap") is None:
        raise NotReadyError(
            _("mmdebstrap is missing: without it no image can be made while Docker Hub is away"),
            then="apt-get install mmdebstrap",
        )
    say(_("a bare Debian {release} root (15 s)", release=release))
    with tempfile.TemporaryDirectory(prefix="labkit-root-", ignore_cleanup_errors=True) as folder:
        tar = Path(folder) / "root.tar"
        _bootstrap(tar, release)
        _import(engine, tar, reference)
    return reference


def _bootstrap(tar: Path, release: str) -> None:
    """Write the root as `tar`, with every temporary file beside it."""
    # A user who is not root gets mmdebstrap's unshare mode, whose user has to pass through here.
    tar.parent.chmod(0o711)
    ran = subprocess.run(
        bootstrap_command(tar, release),
        env={**os.environ, **proxies(), "TMPDIR": str(tar.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if ran.returncode != 0:
        raise not_ready(_("mmdebstrap could not make a Debian root"), ran.stderr[-800:])


def _import(engine: docker.DockerClient, tar: Path, reference: str) -> None:
    repository, tag = reference.split(":")
    changes = ["CMD bash", f"LABEL {KIND_LABEL}=image", f"LABEL {RECIPE_LABEL}={tag}"]
    try:
        engine.api.import_image_from_file(str(tar), repository=repository, tag=tag, changes=changes)
    except APIError as error:
        raise not_ready(_("the Debian root could not be imported"), str(error)) from error
