"""labkit bundle"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import docker

from labkit.cli import show
from labkit.course import course_root, find_blueprint
from labkit.errors import EXIT_FAILED, UsageError
from labkit.lab.bundle import (
    Difference,
    Lock,
    damaged_files,
    differences,
    pack,
    read_lock,
    unpack,
)
from labkit.lab.containers.engine import connect
from labkit.lab.controller.image import controller_reference
from labkit.lab.mirror import add_image, contents, ensure_mirror
from labkit.locale import _

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option(
    "--add",
    "images",
    multiple=True,
    metavar="IMAGE",
    help="Put an image of the local engine into the mirror; can be repeated.",
)
@click.option(
    "--as", "public", default="", metavar="NAME", help="Its public name (default: IMAGE)."
)
@click.option("--list", "only_list", is_flag=True, help="Show what the mirror holds.")
@click.option(
    "--for-class",
    "target",
    type=FOLDER,
    metavar="FOLDER",
    help="Write all that a computer without a network needs, for a stick or a share.",
)
@click.option(
    "--from", "source", type=FOLDER, metavar="FOLDER", help="Take over what --for-class wrote."
)
@click.option(
    "--verify",
    "proven",
    type=FOLDER,
    metavar="FOLDER",
    help="Compare the folder's files, and this computer, with the folder's lock.",
)
@click.pass_context
def command(
    ctx: click.Context,
    images: tuple[str, ...],
    public: str,
    only_list: bool,
    target: Path | None,
    source: Path | None,
    proven: Path | None,
) -> None:
    """Fill the mirror of base images, so that a class works offline."""
    if public and len(images) != 1:
        raise UsageError(_("--as goes with one --add"), then="labkit bundle --add IMAGE --as NAME")
    if sum(map(bool, (target, source, proven, images, only_list))) > 1 + bool(images and only_list):
        raise UsageError(
            _("--for-class, --from and --verify each go alone"), then="labkit bundle --help"
        )
    engine = connect()
    if target:
        _pack(engine, target)
    elif source:
        lock = read_lock(source)
        unpack(engine, source, lock, show.say, find_blueprint())
        _tell(ctx, source, lock, differences(engine, lock, find_blueprint()))
    elif proven:
        lock = read_lock(proven)
        found = [*damaged_files(proven, lock), *differences(engine, lock, find_blueprint())]
        _tell(ctx, proven, lock, found)
    else:
        _fill(engine, images, public, only_list=only_list)


def _fill(
    engine: docker.DockerClient, images: tuple[str, ...], public: str, *, only_list: bool
) -> None:
    ensure_mirror(engine, show.say, find_blueprint().images)
    for local in images:
        digest = add_image(engine, local, public or local, show.say)
        show.results.print(f"{public or local} {digest}")
    if only_list:
        rows = [
            (one.name, one.digest[:19], f"{one.bytes / 2**20:.0f} MiB", one.stand_in)
            for one in contents(engine)
        ]
        show.table(rows, (_("name"), _("digest"), _("size"), _("stands in")))


def _pack(engine: docker.DockerClient, folder: Path) -> None:
    course = course_root()
    lock = pack(engine, folder, show.say, find_blueprint(), [controller_reference(course)])
    sizes = {name: f"{(folder / name).stat().st_size / 2**20:.0f} MiB" for name in lock.files}
    show.table(list(sizes.items()), (_("file"), _("size")))
    show.say(_("on each computer: {command}", command=f"labkit bundle --from {folder}"))


def _tell(ctx: click.Context, folder: Path, lock: Lock, found: Sequence[Difference]) -> None:
    """Say what differs from the lock; exit code 1 if anything does."""
    if not found:
        count = len(lock.images) + len(lock.mirror)
        show.say(_("all {count} images are those of the bundle", count=count))
        return
    # The names are long, and a line of 80 columns has to hold them whole.
    rows = [(one.name, _short(one.locked), _short(one.here) or _("missing")) for one in found]
    show.table(rows, (_("name"), _("in the lock"), _("here")))
    show.say(_("next: {command}", command=f"labkit bundle --from {folder}"))
    ctx.exit(EXIT_FAILED)


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
