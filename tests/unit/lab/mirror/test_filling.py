"""The mirror's registry while it is filled: whoever is on the computer reaches it."""

from __future__ import annotations

import io
import tarfile

import bcrypt

from labkit.lab.mirror import server


def test_only_the_run_itself_is_let_in() -> None:
    archive = server._only_user("a password")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        (member,) = tar.getmembers()
        file = tar.extractfile(member)
        assert file is not None
        user, _colon, kept = file.read().decode().strip().partition(":")
    assert user == server.USER
    assert bcrypt.checkpw(b"a password", kept.encode())
    assert not bcrypt.checkpw(b"another", kept.encode())
