"""Artefacts of a made submission, and how it is recognised within a bounded time."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from labkit.course import ReadingRules, Submission, load_course
from steps.recognition import recognise
from tests import ROOT

COURSE = load_course()
REFERENCE = ROOT / "steps" / "reference"
DOCKERFILE, COMPOSE, INDEX = "simple_api/Dockerfile", "docker-compose.yml", "website/index.php"
REGISTRY, BALANCER = "docker-compose-registry.yml", "haproxy/haproxy.cfg"
RSYSLOG = "haproxy/rsyslog-haproxy.conf"
CPU_LIMIT_S = 1.5  # of the process itself, so that a busy computer changes nothing

BUILD = "FROM python:3.12\nCOPY student_age.py /\n"
STACK = """\
services:
  site:
    image: php:apache
    ports: ["8080:80"]
    volumes: ["./website:/var/www/html"]
  back:
    image: student-age:1.0
"""
STORE = "services:\n  store:\n    image: registry:2\n    ports: ['5000:5000']\n"
CFG = "backend my-backend\n  server a web1:80 check\n  server b web2:80 check\n"
HEAD = "global\n  log 127.0.0.1 local2\ndefaults\n  mode http\n"
FRONT = "frontend web\n  bind *:80\n  default_backend my-backend\n"


def seen(
    files: Mapping[str, str | bytes], *, fill: bool = True, documented: bool = False
) -> Submission:
    data = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return recognise(data, REFERENCE, ReadingRules(fill, documented))


class TooLongError(BaseException):
    """Not an Exception: nobody may catch it by chance."""


@contextmanager
def quickly(seconds: float = CPU_LIMIT_S) -> Iterator[None]:
    """End what takes more of the processor's time."""

    def over(_signal: int, _frame: object) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    except TooLongError:
        # Without a traceback: to show what a bomb stands for would take as long.
        pytest.fail(f"it did not end within {seconds} s of the processor's time", pytrace=False)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def servers(*addresses: str) -> str:
    lines = [f"  server s{n} {one} check" for n, one in enumerate(addresses)]
    return "\n".join(["backend my-backend", *lines, ""])
