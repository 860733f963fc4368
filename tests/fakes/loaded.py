"""A web server of our own on loopback, to be loaded by the course's scenarios."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Self

from tests import ROOT

SCENARIOS = ROOT / "checks" / "load"
LIST = b"<li>alice 12</li>"


class Site:
    """An HTTP server in a thread. `hang` and `close` are shares of requests, by turns."""

    def __init__(self, *, every_second: str = "", body: bytes = LIST) -> None:
        self.every_second = every_second
        self.body = body
        self.requests: list[bytes] = []
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.port = 0
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self.serve(),))

    async def serve(self) -> None:
        self.stop = asyncio.Event()
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        await self.stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError, OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head)
            if self.every_second and len(self.requests) % 2:
                if self.every_second == "hangs":
                    await self.stop.wait()
                writer.close()
                return
            writer.write(
                b"HTTP/1.1 200 OK\r\nX-Served-By: web1\r\nContent-Length: %d\r\n\r\n%s"
                % (len(self.body), self.body)
            )
            await writer.drain()
            writer.close()

    def __enter__(self) -> Self:
        self.thread.start()
        self.ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(5)
        self.loop.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"
