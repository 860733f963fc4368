"""Passwords of a configuration that nobody can know: hashes of a userlist.

`user NAME password HASH`: configuration manual 3.0, section 3.5; the hash is crypt(3)'s, glibc's or
libxcrypt's. Only what is such a hash, whole, is replaced: anything else lets nobody in, and stays.
"""

from __future__ import annotations

import re

PASSWORD = "labkit"  # what each of the hashes is made of
# By its scheme: MD5, SHA-256, SHA-512, bcrypt, yescrypt.
HASHES = {
    "1": "$1$labkit$q8vF4TMQz9KYW12r5CZ1a1",
    "5": "$5$labkit$xoXpFkPOmro7j4p2qpAsl.kgfNO9dWp.BjnzaM/Hm//",
    "6": "$6$labkit$hybMYX7h0xuhMXnlA3cmFbuSqHl/V4euGOqZLTzS1nmW20QM5RYiij.7C7VcwiS121VHin2uO8as7TG"
    "bX.PF01",
    "2": "$2b$05$labkitlabkitlabkitlabe/EzM5rXW/7kPwRY46NAzKB3r1Htn.E.",
    "y": "$y$j9T$labkitlabkitlabkitlab.$yTCZQvoo8GzFTLAY3bA69FBwUJJ57RRN/NzIQ22AdKB",
}
WHOLE = re.compile(
    r"\$1\$[\w./]{1,8}\$[\w./]{22}|\$5\$(?:rounds=\d+\$)?[\w./]{1,16}\$[\w./]{43}"
    r"|\$6\$(?:rounds=\d+\$)?[\w./]{1,16}\$[\w./]{86}|\$2[abxy]\$\d\d\$[\w./]{53}"
    r"|\$y\$[\w./]+\$[\w./]*\$[\w./]{43}",
    re.ASCII,
)
OF_A_USER = re.compile(
    r"^([ \t]*user[ \t]+)(\S+)([ \t]+password[ \t]+[\"']?)(\$[^\s\"']+)", re.MULTILINE
)


def with_known(text: str) -> tuple[str, list[str]]:
    """A configuration whose users have PASSWORD, hashed as it was, and who they are."""
    users: list[str] = []

    def known(user: re.Match[str]) -> str:
        if not WHOLE.fullmatch(user[4]):
            return user[0]
        users.append(user[2])
        return user[1] + user[2] + user[3] + HASHES[user[4][1]]

    return OF_A_USER.sub(known, text), users
