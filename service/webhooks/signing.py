"""Signatures after Standard Webhooks: https://www.standardwebhooks.com"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

PREFIX, BYTES = "whsec_", 32


def new_secret() -> bytes:
    """What messages to one endpoint are signed with."""
    return secrets.token_bytes(BYTES)


def show_secret(secret: bytes) -> str:
    """The outside form of a secret."""
    return PREFIX + base64.b64encode(secret).decode()


def headers(secrets: Iterable[bytes], id: str, timestamp: int, body: str) -> dict[str, str]:
    """The headers that say which message this is, and prove by each secret who sent it. `timestamp` is in seconds."""
    signed = f"{id}.{timestamp}.{body}".encode()
    marks = (hmac.new(secret, signed, hashlib.sha256).digest() for secret in secrets)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(mark).decode()}" for mark in marks),
    }
