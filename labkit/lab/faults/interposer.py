"""Stands between a program and the server that it asks: late, or answering with errors itself.

Sent to a machine and run there by its own Python (3.9 on Rocky 9), without dependencies. One
request per connection is looked at; what follows it is passed through unread.

    interposer.py --listen 18080 --to 10.0.0.11:80 [--delay 3] [--fail [--only /path]]
"""

from __future__ import annotations

import argparse
import asyncio

ANSWER = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 16\r\nConnection: close\r\n\r\nfault of a drill"
)
BLOCK = 65536
HEAD_LIMIT_S = 60.0


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until they end."""
    try:
        while True:
            block = await reader.read(BLOCK)
            if not block:
                break
            writer.write(block)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


class Interposer:
    """What is done to each connection."""

    def __init__(self, host: str, port: int, delay: float, fail: bool, only: str) -> None:
        self.host = host
        self.port = port
        self.delay = delay
        self.fail = fail
        self.only = only

    def fails(self, head: bytes) -> bool:
        """Whether the request that begins like this is answered with an error."""
        words = head.split(b" ", 2)
        path = words[1].split(b"?")[0].decode("latin-1") if len(words) > 1 else ""
        return self.fail and (not self.only or path == self.only)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its first byte to its last."""
        try:
            # A connection that only wants to know whether somebody is there ends here.
            head = await asyncio.wait_for(reader.read(BLOCK), HEAD_LIMIT_S)
            if not head:
                return
            if self.fails(head):
                writer.write(ANSWER)
                await writer.drain()
                return
            await asyncio.sleep(self.delay)
            back, forth = await asyncio.open_connection(self.host, self.port)
            forth.write(head)
            await asyncio.gather(copy(reader, forth), copy(back, writer))
            forth.close()
        except (OSError, asyncio.TimeoutError):  # noqa: UP041  # two types in Python 3.9
            pass
        finally:
            writer.close()


async def main() -> None:
    """Read the arguments and serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", type=int, required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--fail", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    host, _colon, port = options.to.rpartition(":")
    between = Interposer(host, int(port), options.delay, options.fail, options.only)
    server = await asyncio.start_server(between.serve, "127.0.0.1", options.listen, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
