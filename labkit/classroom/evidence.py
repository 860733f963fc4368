"""What a mark rests on, in one file that can be checked years later: what was submitted, what was
asked and answered, the raw rows of the drills, the result; signed.

An in-toto statement (in-toto.io/Statement/v1, with a predicate of labkit's own) in a DSSE envelope
(github.com/secure-systems-lab/dsse), signed with an SSH key of type ed25519. `sshsig` is for those
who have no labkit: `ssh-keygen -Y verify` reads it.

A signature proves that nothing was changed since, not that the one who signed was honest: it is
the teacher's key that counts, after grading, on the teacher's computer.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from labkit.errors import UsageError
from labkit.locale import _

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:labkit:evidence:v1"
PAYLOAD = "application/vnd.in-toto+json"
NAMESPACE = "labkit-evidence"  # of ssh-keygen -Y
RESULT = "result.json"
SUBMISSION = "submission/"  # before the names of what was submitted
LARGEST = 256 * 2**20  # bytes of all files: what claims to be more is not read
KEY_TYPE = b"ssh-ed25519"


class NoEvidenceError(ValueError):
    """It is not what `signed` wrote; the text names the part."""


@dataclass(frozen=True)
class Evidence:
    """A statement that was read: `signer` is an OpenSSH public key, not yet anybody's."""

    files: Mapping[str, bytes]
    predicate: Mapping[str, Any]
    signer: str

    @property
    def result(self) -> dict[str, Any]:
        """The result file (`labkit/result/v1`). ValueError if it is none."""
        found: dict[str, Any] = json.loads(self.files[RESULT])
        return found


def statement(files: Mapping[str, bytes], predicate: Mapping[str, Any]) -> bytes:
    """An in-toto statement about files, which it holds as well."""
    whole = {
        "_type": STATEMENT,
        "subject": [
            {"name": name, "digest": {"sha256": hashlib.sha256(data).hexdigest()}}
            for name, data in sorted(files.items())
        ],
        "predicateType": PREDICATE,
        "predicate": {
            **predicate,
            "files": {
                name: base64.b64encode(zlib.compress(data, 9)).decode()
                for name, data in sorted(files.items())
            },
        },
    }
    return json.dumps(whole, ensure_ascii=False, sort_keys=True).encode()


def signed(payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """The envelope as it is written to a file."""
    from securesystemslib.dsse import Envelope  # with cryptography: slow to import
    from securesystemslib.signer import CryptoSigner, SSlibKey

    public = SSlibKey.from_crypto(key.public_key(), keyid=public_line(key.public_key()))
    envelope = Envelope(payload, PAYLOAD, {})
    envelope.sign(CryptoSigner(key, public))
    return _written(envelope.to_dict())


def opened(data: bytes) -> Evidence:
    """Read an envelope, every byte of it. NoEvidenceError names the part that is not right."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError, VerificationError
    from securesystemslib.signer import SSlibKey

    try:
        found = json.loads(data)
        canonical = _written(found)
        signer = found["signatures"][0]["keyid"]
        envelope = Envelope.from_dict(found)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, FormatError) as error:
        raise NoEvidenceError(_("the envelope is not a DSSE envelope")) from error
    if (
        envelope.payload_type != PAYLOAD
        or canonical != data
        or _written(envelope.to_dict()) != data
    ):
        raise NoEvidenceError(_("the envelope is not as it was written"))
    try:
        public = public_key(signer)
        envelope.verify([SSlibKey.from_crypto(public, keyid=signer)], threshold=1)
    except (VerificationError, UsageError) as error:
        named = _broken_part(envelope.payload)
        raise NoEvidenceError(
            _("the signature does not match; what differs: {part}", part=named)
        ) from error
    whole = json.loads(envelope.payload)
    if whole.get("_type") != STATEMENT or whole.get("predicateType") != PREDICATE:
        raise NoEvidenceError(_("the statement is of another kind"))
    files = _files(whole)
    wrong = _differing(whole, files)
    if wrong:
        raise NoEvidenceError(_("the statement contradicts itself: {part}", part=", ".join(wrong)))
    kept = {name: value for name, value in whole["predicate"].items() if name != "files"}
    return Evidence(files, kept, signer)


def _written(envelope: Mapping[str, Any]) -> bytes:
    return (json.dumps(envelope, indent=1, sort_keys=True) + "\n").encode()


def _broken_part(payload: bytes) -> str:
    """Which file a payload contradicts; else what stands in it but once, or beside it."""
    try:
        whole = json.loads(payload)
        wrong = _differing(whole, _files(whole))
    except NoEvidenceError as error:
        return str(error)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _("the statement cannot be read")
    return ", ".join(wrong) or _("the signature, the key or the description of the run")


def _files(whole: Mapping[str, Any]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    room = LARGEST
    for name, text in whole["predicate"]["files"].items():
        reader = zlib.decompressobj()
        try:
            files[name] = reader.decompress(base64.b64decode(text, validate=True), room)
            whole_file = reader.eof and not reader.unused_data
        except (ValueError, zlib.error) as error:
            raise NoEvidenceError(_("the file {name} cannot be read", name=name)) from error
        if not whole_file:
            raise NoEvidenceError(_("the file {name} cannot be read", name=name))
        room -= len(files[name])
    return files


def _differing(whole: Mapping[str, Any], files: Mapping[str, bytes]) -> list[str]:
    """Files whose digest is not the stated one, or that stand on one side alone."""
    stated = {one["name"]: one["digest"]["sha256"] for one in whole["subject"]}
    found = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return sorted(name for name in {*stated, *found} if stated.get(name) != found.get(name))


def folder_files(folder: Path) -> dict[str, bytes]:
    """Everything in the folder of a report."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def laid_out(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a folder. NoEvidenceError if a name leads out of it."""
    for name, data in files.items():
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts:
            raise NoEvidenceError(_("the file {name} cannot be read", name=name))
        place = folder.joinpath(*parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


# Keys -----------------------------------------------------------------------------------------


def private_key(path: Path, passphrase: str = "") -> Ed25519PrivateKey:
    """The SSH key to sign with. UsageError if there is none, or none of type ed25519.

    NeedsPassphraseError if it is protected and the passphrase is not the right one.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    then = f"ssh-keygen -t ed25519 -f {path}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(_("there is no key to sign with"), where=str(path), then=then) from error
    try:
        key = load_ssh_private_key(data, passphrase.encode() or None)
    except TypeError as error:  # protected, and no passphrase; or the other way round
        raise NeedsPassphraseError(_("the key is protected"), where=str(path)) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        if passphrase:
            raise NeedsPassphraseError(_("the key is protected"), where=str(path)) from error
        raise UsageError(_("this is not an SSH key"), where=str(path), then=then) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(_("the key is not of type ed25519"), where=str(path), then=then)
    return key


class NeedsPassphraseError(UsageError):
    """The key is protected by a passphrase, which was not given or is another."""


def public_key(line: str) -> Ed25519PublicKey:
    """The key in a line of OpenSSH (`ssh-ed25519 AAAA… name`). UsageError if it is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    try:
        key = load_ssh_public_key(line.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(_("this is not a public SSH key"), where=line[:60]) from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(_("the key is not of type ed25519"), where=line[:60])
    return key


def public_line(key: Ed25519PublicKey) -> str:
    """A key as OpenSSH writes it, without a name."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def fingerprint(line: str) -> str:
    """As `ssh-keygen -l` shows a key: SHA256:…"""
    blob = base64.b64decode(line.split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def sshsig(data: bytes, key: Ed25519PrivateKey) -> str:
    """A signature that `ssh-keygen -Y verify -n labkit-evidence` checks.

    The format is OpenSSH's PROTOCOL.sshsig, version 1.
    """
    raw = base64.b64decode(public_line(key.public_key()).split()[1])
    head = [NAMESPACE.encode(), b"", b"sha512"]
    message = b"SSHSIG" + _strings([*head, hashlib.sha512(data).digest()])
    signature = _strings([KEY_TYPE, key.sign(message)])
    blob = b"SSHSIG" + struct.pack(">I", 1) + _strings([raw, *head, signature])
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def _strings(parts: Sequence[bytes]) -> bytes:
    """As the SSH protocol writes them (RFC 4251, section 5): the length, then the bytes."""
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


# Another form ---------------------------------------------------------------------------------

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"


def as_test_result(evidence: Evidence) -> dict[str, Any]:
    """The in-toto statement of kind test-result v0.1, for other tools; not signed.

    It knows neither blocked nor inconclusive: both are warnings there.
    """
    checks = [check for step in evidence.result["steps"] for check in step["checks"]]
    named = {
        verdict: [check["id"] for check in checks if check["verdict"] in kinds]
        for verdict, kinds in (
            ("passed", ("passed",)), ("failed", ("failed",)),
            ("warned", ("blocked", "inconclusive")),
        )
    }  # fmt: skip
    whole = "FAILED" if named["failed"] else "WARNED" if named["warned"] else "PASSED"
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": name, "digest": {"sha256": hashlib.sha256(data).hexdigest()}}
            for name, data in sorted(evidence.files.items())
        ],
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": whole,
            "configuration": [
                {"name": "course", "digest": {"sha256": evidence.predicate["course"]}}
            ],
            "passedTests": named["passed"],
            "warnedTests": named["warned"],
            "failedTests": named["failed"],
        },
    }
