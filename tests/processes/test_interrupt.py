"""Ctrl-C comes when what was begun has ended: whoever tidies up then finds all of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = r"""
import os, sys, time
from pathlib import Path
from labkit.remote import everywhere, to_its_end

def make(name):
    time.sleep(0.5)  # everybody has begun, and the main thread does nothing but wait
    os.write(1, b"begun\n")
    time.sleep(1)
    Path(sys.argv[1], name).touch()

try:
    {call}
except KeyboardInterrupt:
    print(sorted(path.name for path in Path(sys.argv[1]).iterdir()), flush=True)
"""


@pytest.mark.parametrize(
    ("call", "made"),
    [
        ("everywhere(make, ['web1', 'web2'])", ["web1", "web2"]),
        ("to_its_end(lambda: make('network'))", ["network"]),
    ],
)
def test_an_interrupt_waits_for_what_was_begun(tmp_path: Path, call: str, made: list[str]) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(call=call), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert program.stdout
    for _name in made:
        assert program.stdout.readline() == "begun\n"
    program.send_signal(signal.SIGINT)
    said, _nothing = program.communicate(timeout=20)
    assert said.splitlines()[-1] == str(made)
    assert program.returncode == 0
