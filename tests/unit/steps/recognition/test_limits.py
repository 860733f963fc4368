"""Texts that were made to keep a reader busy."""

from __future__ import annotations

import pytest

from tests.unit.steps.recognition.given import (
    BALANCER,
    DOCKERFILE,
    INDEX,
    RSYSLOG,
    quickly,
    seen,
)

LONG = {
    "blank lines in haproxy.cfg": {BALANCER: "\n" * 300_000 + "x"},
    "blank lines in a Dockerfile": {DOCKERFILE: "\n" * 300_000 + "x"},
    "one line in a log's configuration": {RSYSLOG: "haproxy" * 60_000},
    "blanks behind an address": {BALANCER: "bind x" + " " * 300_000 + "y"},
    "blanks in haproxy.cfg": {BALANCER: "backend b\n" + " " * 300_000 + "x"},
    "one line in a README": {"README.md": "docker run " + "a b " * 100_000},
    "continued lines": {"README.md": "docker run \\\n" * 50_000},
    "an address that never ends": {INDEX: "<?php " + "http://a" * 60_000},
    "a server line without end": {BALANCER: "backend b\nserver a" + " a" * 150_000},
    "a log line without end": {BALANCER: "backend b\nlog a" + " local" * 100_000},
    "blanks in a log line": {BALANCER: "backend b\nlog a" + " " * 300_000 + "x"},
    "a port without end": {BALANCER: "backend b\nbind :" + "9" * 300_000},
    "a Dockerfile that copies without end": {DOCKERFILE: "COPY" + " a/b" * 200_000},
}


@pytest.mark.parametrize("case", LONG.values(), ids=LONG)
def test_a_long_text_is_read_in_good_time(case: dict[str, str]) -> None:
    with quickly():
        seen({**case, "x": ""})
