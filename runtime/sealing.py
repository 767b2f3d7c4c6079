"""Seal what must not be readable in the database: AES-256-GCM under a key that lies in a file."""

from __future__ import annotations

import base64
import binascii
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from runtime.settings import SettingsError, read_secret

NONCE_BYTES = 12


class Unsealable(Exception):
    """The text was sealed with another key, for another purpose, or is damaged."""


class Seal:
    """Seals and opens; `purpose` binds a sealed text to the one row it was made for."""

    def __init__(self, key: bytes):
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, purpose: bytes) -> bytes:
        """Nonce and ciphertext."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, purpose)

    def open(self, sealed: bytes, purpose: bytes) -> bytes:
        """The plain text.

        Raises:
            Unsealable: it was not sealed by this key for this purpose.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose)
        except (InvalidTag, ValueError) as error:
            raise Unsealable("sealed with another key, or damaged") from error


def load_seal(path: Path) -> Seal:
    """The seal whose key file is `path`: 32 bytes in base64.

    Raises:
        SettingsError: naming the setting and the mend.
    """
    text = read_secret(path, "auth.secret_key_file")
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise SettingsError(f"auth.secret_key_file: {path} is not base64") from error
    if len(key) != 32:
        raise SettingsError(f"auth.secret_key_file: {path} holds {len(key)} bytes, not 32")
    return Seal(key)
