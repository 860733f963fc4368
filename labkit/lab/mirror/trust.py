"""The authorities that this computer trusts and the world does not: a campus network may have one.

Machines and images get them too; otherwise each TLS connection from inside the lab would fail
where a browser on the same computer works.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import certifi

_LOCAL = Path("/usr/local/share/ca-certificates")
_BUNDLES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),  # Debian, Ubuntu, Arch
    Path("/etc/pki/tls/certs/ca-bundle.crt"),  # Fedora, RHEL, Rocky
    Path("/etc/ssl/ca-bundle.pem"),  # openSUSE
    Path("/etc/ssl/cert.pem"),  # macOS, Alpine
)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def host_authorities() -> dict[str, bytes]:
    """Files for a build context, path to content: `authorities/NAME.crt`, one certificate each.

    Always holds a note besides, since COPY refuses a folder that is not there.
    """
    known = _certificates([Path(certifi.where())])
    found = _certificates([*_bundle(), *sorted(_LOCAL.glob("*.crt"))])
    private = [certificate for certificate in found if certificate not in known]
    files = {"authorities/README": b"Authorities of the computer that built this image.\n"}
    for number, certificate in enumerate(private):
        files[f"authorities/host-{number}.crt"] = certificate.encode() + b"\n"
    return files


def _bundle() -> list[Path]:
    """The first bundle that exists: the user's own choice, then the usual places."""
    chosen = os.environ.get("SSL_CERT_FILE")
    candidates = [Path(chosen)] if chosen else []
    return [path for path in (*candidates, *_BUNDLES) if path.is_file()][:1]


def _certificates(paths: Iterable[Path]) -> list[str]:
    """The distinct certificates (PEM) of the readable files among `paths`, in order."""
    seen: dict[str, None] = {}
    for path in paths:
        try:
            text = path.read_text(encoding="ascii", errors="ignore")
        except OSError:
            continue
        for block in _CERTIFICATE.findall(text):
            seen["\n".join(line.strip() for line in block.splitlines())] = None
    return list(seen)
