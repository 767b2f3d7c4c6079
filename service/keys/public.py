"""What a public key line says: whether it is a key at all, and its fingerprint. (RFC 4253 6.6, RFC 5656 3.1)"""

from __future__ import annotations

import base64
import binascii
import hashlib

# How many fields follow the name of each type.
FIELDS = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}
ED25519_BYTES = 32
LEAST_RSA_BITS = 1024  # sshd takes none that are shorter


class NoKey(ValueError):
    """It is no public key; the message says why."""


def fingerprint(line: str) -> str:
    """The SHA256 fingerprint of a public key line, as `ssh-keygen -l` prints it.

    Raises:
        NoKey: it is none that a server could take.
    """
    type, _, rest = line.partition(" ")
    try:
        blob = base64.b64decode(rest.partition(" ")[0], validate=True)
    except binascii.Error:
        raise NoKey("The middle part is not base64: was the key copied as a whole?") from None
    fields = _fields(blob)
    if not fields or fields[0] != type.encode():
        raise NoKey(f"The middle part is no {type} key: was the key copied as a whole?")
    _check(type, fields[1:])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).rstrip(b"=").decode()


def _fields(blob: bytes) -> list[bytes]:
    """The length-prefixed fields of a key; none when they do not fill it exactly."""
    fields = []
    while blob:
        length = int.from_bytes(blob[:4])
        field, blob = blob[4 : 4 + length], blob[4 + length :]
        if len(field) < length or length == 0:
            return []
        fields.append(field)
    return fields


def _check(type: str, fields: list[bytes]) -> None:
    if len(fields) != FIELDS[type]:
        raise NoKey(f"This is no whole {type} key: was it copied as a whole?")
    if type in ("ssh-ed25519", "sk-ssh-ed25519@openssh.com") and len(fields[0]) != ED25519_BYTES:
        raise NoKey(f"An Ed25519 key has {ED25519_BYTES} bytes, this one {len(fields[0])}.")
    if type == "ssh-rsa" and int.from_bytes(fields[1]).bit_length() < LEAST_RSA_BITS:
        raise NoKey(f"An RSA key needs {LEAST_RSA_BITS} bits at least.")
