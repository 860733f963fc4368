"""The pages of a class, served to this computer alone while it is graded.

They hold names and marks. So they are under a path that nobody guesses, since other users of the
computer reach its loopback, too; a page of the web that has its name resolve to 127.0.0.1 is
refused by the name it asks for. Nothing can be changed through them.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from labkit.errors import NotReadyError
from labkit.locale import _

LOOPBACK = "127.0.0.1"


class _Pages(SimpleHTTPRequestHandler):
    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """What is asked for by the name that was told, and by no other."""
        assert isinstance(self.server, ThreadingHTTPServer)
        port = self.server.server_port
        if self.headers.get("Host") not in (f"{LOOPBACK}:{port}", f"localhost:{port}"):
            self.send_error(HTTPStatus.FORBIDDEN)
            return None
        return super().send_head()

    def list_directory(self, path: object) -> io.BytesIO | None:
        """A list would tell the path that nobody guesses."""
        del path
        self.send_error(HTTPStatus.NOT_FOUND)
        return None

    def end_headers(self) -> None:
        """A page that was written anew is shown anew; no other page is told where one came from."""
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        super().end_headers()

    def log_message(self, *_words: object) -> None:
        """Not on the terminal."""


@contextmanager
def served(port: int) -> Iterator[tuple[ThreadingHTTPServer, Path, str]]:
    """A server, the folder to write pages into, and the address of that folder.

    Port 0 is any that is free. It answers from `serve_forever` on. NotReadyError if it may not
    listen. The folder goes at the end.
    """
    with TemporaryDirectory(prefix="labkit-class-") as root:
        folder = Path(root) / secrets.token_urlsafe(16)
        folder.mkdir()
        try:
            server = ThreadingHTTPServer((LOOPBACK, port), partial(_Pages, directory=root))
        except OSError as error:
            raise NotReadyError(
                _("port {port} of this computer cannot be used: {reason}", port=port,
                  reason=error.strerror),
                then="labkit class watch --serve 0",
            ) from error  # fmt: skip
        with server:
            yield server, folder, f"http://{LOOPBACK}:{server.server_port}/{folder.name}"
