"""Packs Debian's packages as the rpm packages that the steps install on el9, signed and indexed.

    packing.py PACKAGES.toml FOLDER

It runs in the build of the image, with Python's standard library and Debian's apt, rpm and
createrepo_c. What a package looks like is computed (`spec`, `contents`); only `main` acts.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

RELEASE = "1.el9.rehearsal"
# Repository -> its folder below the target. Docker's is laid out as it is on the real server
# (https://download.docker.com/linux/rhel/), since the step's own .repo file points there.
FOLDERS = {
    "docker": "download.docker.com/linux/rhel/9/{machine}/stable",
    "appstream": "appstream",
    "baseos": "baseos",
}
SIGNERS = {"docker": "Docker", "appstream": "Rocky", "baseos": "Rocky"}
# Folders of /usr/share: documentation, completion, and what only Debian's tools read.
NOWHERE = ("doc", "man", "lintian", "bug", "bash-completion", "zsh", "fish", "vim")


@dataclass(frozen=True)
class Package:
    """One block of packages.toml, whose first lines say what each key means."""

    name: str
    repository: str
    debian: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    unlines: Mapping[str, list[str]] = field(default_factory=dict)
    owned: Mapping[str, str] = field(default_factory=dict)
    pre: str = ""
    post: str = ""

    def __post_init__(self) -> None:
        if self.repository not in FOLDERS:
            raise ValueError(f"{self.name}: no repository {self.repository}")


def packages(text: str) -> list[Package]:
    """All packages of packages.toml. An unknown key is a TypeError."""
    return [Package(name, **block) for name, block in tomllib.loads(text).items()]


def upstream(version: str) -> str:
    """The upstream part of a Debian version, in figures: "1:26.1.5+dfsg1-9" is "26.1.5"."""
    found = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", version)
    if not found:
        raise ValueError(f"not a version: {version}")
    return found.group(1)


def repository(name: str, machine: str) -> str:
    """The folder of a repository, below the target, on a computer of this kind (x86_64)."""
    return FOLDERS[name].format(machine=machine)


def spec(package: Package, version: str, tree: Path, listed: Iterable[str]) -> str:
    """The spec file of a package whose files lie in `tree`; `listed` are the lines of %files.

    No requirement is found automatically, and nothing is stripped: the files are Debian's. The
    payload is packed at the fastest level, since it is unpacked three times and goes nowhere.
    """
    heads = {
        "Requires": package.requires,
        "Recommends": package.recommends,
        "Provides": package.provides,
        "Conflicts": package.conflicts,
    }
    lines = [
        "%global debug_package %{nil}",
        "%global __os_install_post %{nil}",
        "%global _build_id_links none",
        "%global _binary_payload w1.zstdio",
        f"Name: {package.name}",
        f"Version: {version}",
        f"Release: {RELEASE}",
        f"Summary: {_origin(package)} (rehearsal, not Rocky)",
        "License: as in Debian",
        "AutoReqProv: no",
        *([] if package.debian else ["BuildArch: noarch"]),
        *(f"{head}: {value}" for head, values in heads.items() for value in values),
        "%description",
        "Made for the rehearsal of el9. It is not the package of this name that Rocky Linux or",
        "Docker publish.",
        "%install",
        "mkdir -p %{buildroot}",
        f"cp -a {tree}/. %{{buildroot}}",
        *_script("%pre", package.pre),
        *_script("%post", _after(package)),
        "%files",
        *listed,
    ]
    return "\n".join(lines) + "\n"


def _origin(package: Package) -> str:
    return f"Debian's {' and '.join(package.debian)}" if package.debian else "An empty package"


def _script(head: str, text: str) -> list[str]:
    return [head, text.strip()] if text.strip() else []


def _after(package: Package) -> str:
    """What runs after the installation. el9's systemd reads new units by a trigger of its own."""
    lines = [f"chown {owner} {path}" for path, owner in package.owned.items()]
    if package.debian:
        lines.append("[ ! -d /run/systemd/system ] || systemctl daemon-reload")
    return "\n".join([package.post.strip(), *lines])


def contents(tree: Path) -> list[str]:
    """The lines of %files: every file and every empty folder; settings are never overwritten."""
    return sorted(_listed(tree))


def _listed(tree: Path) -> Iterator[str]:
    for path in tree.rglob("*"):
        name = f"/{path.relative_to(tree).as_posix()}"
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                yield f"%dir {name}"
        else:
            yield f"%config(noreplace) {name}" if name.startswith("/etc/") else name


def prune(tree: Path, package: Package) -> None:
    """Take out of an unpacked tree what el9 does not have: paths, and lines of files.

    A FileNotFoundError or a ValueError says that Debian's package has changed.
    """
    for path in package.leave_out:
        found = tree / path.lstrip("/")
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
        else:
            found.unlink()
    share = tree / "usr/share"
    for name in NOWHERE:
        shutil.rmtree(share / name, ignore_errors=True)
    if share.is_dir() and not any(share.iterdir()):
        share.rmdir()
    for path, starts in package.unlines.items():
        file = tree / path.lstrip("/")
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(tuple(starts))]
        if kept == lines:
            raise ValueError(f"{path} has no line that begins with {starts}")
        file.write_text("".join(kept), encoding="utf-8")


def unpack(package: Package, work: Path) -> tuple[Path, str]:
    """Fetch and unpack Debian's packages; the tree, and the version of the first of them."""
    tree = work / "tree"
    tree.mkdir()
    versions = []
    for name in package.debian:
        _run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", name, cwd=work)
        [found] = work.glob(f"{name}_*.deb")
        _run("dpkg-deb", "-x", str(found), str(tree))
        versions.append(_run("dpkg-deb", "-f", str(found), "Version"))
    prune(tree, package)
    return tree, upstream(versions[0]) if versions else "9"


def pack(package: Package, folder: Path) -> None:
    """Put one package, signed, into its repository below `folder`."""
    target = folder / repository(package.repository, platform.machine()) / "Packages"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        tree, version = unpack(package, work)
        (work / "x.spec").write_text(spec(package, version, tree, contents(tree)), encoding="utf-8")
        made = work / "made"
        places = ["--define", f"_topdir {work}/build", "--define", f"_rpmdir {made}"]
        _run("rpmbuild", "-bb", "--quiet", *places, str(work / "x.spec"))
        [rpm] = made.rglob("*.rpm")
        signer = f"_gpg_name {SIGNERS[package.repository]}"
        _run("rpmsign", "--define", signer, "--addsign", str(rpm))
        shutil.copy(rpm, target)


def _run(*command: str, cwd: Path | None = None) -> str:
    """Run a command; what it printed. What it says on failure goes to the build's own output."""
    ran = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, text=True, check=True)
    return ran.stdout.strip()


def main(recipe: Path, folder: Path) -> None:
    """Every package of `recipe`, and the index of each repository."""
    for package in packages(recipe.read_text(encoding="utf-8")):
        print(f"{package.repository}: {package.name}", flush=True)
        pack(package, folder)
    for name in FOLDERS:
        _run("createrepo_c", "--quiet", str(folder / repository(name, platform.machine())))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
