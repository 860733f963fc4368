"""A password that only its owner knows is another one, hashed in the same way."""

from __future__ import annotations

import subprocess

import pytest

from labkit.facts.haproxy.passwords import HASHES, PASSWORD, WHOLE, with_known

SHA_256 = "$5$" + "s" * 16 + "$" + "h" * 43


@pytest.mark.parametrize(
    ("given", "scheme"),
    [("$1$salt$" + "h" * 22, "1"), (SHA_256, "5"), (f"$5$rounds=5000{SHA_256[2:]}", "5"),
     ("$6$salt$" + "h" * 86, "6"), ("$2y$05$" + "h" * 53, "2"), ("$y$j9T$salt$" + "h" * 43, "y")],
)  # fmt: skip
@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_a_hash_keeps_its_form(given: str, scheme: str, quote: str) -> None:
    line = "userlist x\n  user prof password {} groups admins\n"
    made, users = with_known(line.format(f"{quote}{given}{quote}"))
    assert made == line.format(f"{quote}{HASHES[scheme]}{quote}")
    assert users == ["prof"]


@pytest.mark.parametrize(
    "line",
    ["user a password secret", "user a insecure-password $6$x", "# user a password $5$x$y",
     "user a password $6$salt$short", f"user a password {SHA_256}x", "password $1$a$b"],
)  # fmt: skip
def test_what_is_no_whole_hash_lets_nobody_in_and_stays(line: str) -> None:
    assert with_known(line) == (line, [])


@pytest.mark.parametrize("scheme", ["1", "5", "6"])
def test_the_hashes_are_of_the_password(scheme: str) -> None:
    made = subprocess.run(
        ["openssl", "passwd", f"-{scheme}", "-salt", "labkit", PASSWORD],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert made.stdout.strip() == HASHES[scheme]


def test_each_hash_is_whole() -> None:
    assert all(map(WHOLE.fullmatch, HASHES.values()))
