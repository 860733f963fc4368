"""The tutorial's site: built by MkDocs into a cache, served to this computer and to nobody else."""

from __future__ import annotations

import difflib
import errno
import hashlib
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import labkit
from labkit import child
from labkit.cache import cache_root
from labkit.course import PARTS, Course
from labkit.errors import LabkitError, NotReadyError, UsageError
from labkit.locale import _
from labkit.whole import write_whole

LOOPBACK = "127.0.0.1"
SOURCES = (
    "docs",
    *PARTS,
    "mkdocs.yml",
)  # of a course; labkit itself is one as well
STAMP = "built-from.txt"  # written last: a site without it was not finished


def site_folder(root: Path) -> Path:
    """Where the site of the course in `root` is kept, by the XDG base directory specification."""
    return cache_root() / f"site-{hashlib.sha256(bytes(root)).hexdigest()[:8]}"


def build(root: Path, say: Callable[[str], None]) -> Path:
    """The folder of the site of the course in `root`, built if a source has changed since.

    LabkitError, with MkDocs' last line, if it cannot be built.
    """
    site, state = site_folder(root), _state_of(root)
    stamp = site / STAMP
    if stamp.exists() and stamp.read_text(encoding="utf-8") == state:
        return site
    say(_("building the tutorial (some seconds) ..."))
    built = subprocess.run(
        child.python("mkdocs", "build", "--quiet", "--site-dir", str(site)),
        cwd=root,  # what mkdocs.yml names is found from there
        env={**child.environment(root), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        errors="replace",  # what is said in a locale that is not this terminal's
        check=False,
    )
    if built.returncode:
        last = built.stderr.strip().splitlines()[-1:] or [""]
        raise LabkitError(
            _("the tutorial cannot be built"),
            where=last[0],
            then=f"cd {root} && mkdocs build",
        )
    write_whole(stamp, state)
    return site


def _state_of(root: Path) -> str:
    """A fingerprint of the names, sizes and times of all files that the site is made from."""
    folders = [root / name for name in SOURCES] + [Path(labkit.__file__).parent]
    seen = hashlib.sha256()
    for path in (file for folder in folders for file in _files(folder)):
        status = path.stat()
        seen.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return seen.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for file in sorted(path.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file


def page_of(course: Course, language: str, wanted: str) -> str:
    """The name of a page, as `11-haproxy`: of a step by number, letter or slug; "" is the first.

    UsageError, with the nearest name, if there is none; or if the course has no tutorial.
    """
    docs = course.root / "docs" / language
    if not (course.root / "mkdocs.yml").is_file() or not docs.is_dir():
        raise UsageError(
            _("there is no tutorial in {root}", root=course.root),
            then=_("labkit --course <a folder with {file} in it>", file="mkdocs.yml"),
        )
    step = course.step(wanted)
    name = f"{step.number:02}-{step.slug}" if step else wanted.strip().lower()
    pages = sorted(str(path.relative_to(docs).with_suffix("")) for path in docs.rglob("*.md"))
    if name and name not in pages:
        near = difflib.get_close_matches(name, pages, n=1, cutoff=0.5)
        raise UsageError(
            _("the tutorial has no page {name!r}", name=wanted),
            then=" ".join(["labkit docs", *near]),
        )
    return "" if name == "index" else name


def address(site: Path, language: str, page: str) -> str:
    """The page's path in the site, as `fr/11-haproxy/`: one language of the two has no folder."""
    localised = Path(language, page)
    path = localised if (site / localised / "index.html").exists() else Path(page)
    return "" if path == Path() else f"{path.as_posix()}/"


class _Pages(SimpleHTTPRequestHandler):
    """Files as they are now; nothing is logged."""

    def log_message(self, *_arguments: object) -> None:
        """Silence: whoever reads a page does not read a log."""

    def end_headers(self) -> None:
        """A page that was built anew is shown anew."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of the folder for this computer alone; port 0 is any that is free.

    It listens at once and answers from `serve_forever` on. NotReadyError if it may not listen.
    """
    try:
        return ThreadingHTTPServer((LOOPBACK, port), partial(_Pages, directory=str(folder)))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            what = _("port {port} of this computer is taken", port=port)
        else:
            what = _(
                "port {port} of this computer cannot be used: {reason}",
                port=port,
                reason=error.strerror,
            )
        raise NotReadyError(what, then="labkit docs --port 0") from error
