"""Signed tickets: of logins, of consoles, and the tokens against forged requests (pve-common Ticket.pm).

The original signs with RSA and everybody may verify; here whoever verifies has the key, so a MAC of the same
length does.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any

from testbed.proxmox.cluster.clock import now
from testbed.proxmox.errors import ApiError

TICKET_SECONDS = 7200
#: How far a ticket may come from the future (pve-access-control AccessControl.pm get_ticket_age_range).
CLOCK_TOLERANCE = 300
KEY_SECONDS = 24 * 3600
VNC_SECONDS = 40
VNC_TOLERANCE = 20
STAMP = r"[0-9A-F]{8}"


class Tickets:
    """Makes and verifies tickets. The key of logins changes daily; the one before still verifies."""

    def __init__(self, kept: Mapping[str, Any] | None = None) -> None:
        kept = kept or {"key": secrets.token_hex(32)}
        self._key = bytes.fromhex(kept["key"])
        self._since: float = kept.get("since") or now()
        self._old = bytes.fromhex(kept.get("old", ""))
        self._csrf = bytes.fromhex(kept.get("csrf", kept["key"]))

    def kept(self) -> dict[str, Any]:
        """The keys to write."""
        return {"key": self._key.hex(), "since": self._since, "old": self._old.hex(), "csrf": self._csrf.hex()}

    def rotate(self) -> bool:
        """Change the key if it is due; whether it was."""
        if now() - self._since <= KEY_SECONDS:
            return False
        self._old, self._key, self._since = self._key, secrets.token_bytes(32), now()
        return True

    def login(self, user: str) -> str:
        """A user's ticket."""
        plain = f"PVE:{user}:{_stamp()}"
        return f"{plain}::{_sign(self._key, plain)}"

    def user_of(self, ticket: str) -> str | None:
        """The user of a valid ticket."""
        plain, _, signature = ticket.partition("::")
        match = re.fullmatch(rf"PVE:([^\s:]+@[^\s:]+):({STAMP})", plain)
        if match is None:
            return None
        age, key_age = now() - int(match[2], 16), max(0.0, now() - self._since)
        if _same(signature, _sign(self._key, plain)) and -CLOCK_TOLERANCE < age < TICKET_SECONDS:
            return match[1]
        before = bool(self._old) and _same(signature, _sign(self._old, plain))
        return match[1] if before and key_age - CLOCK_TOLERANCE < age < TICKET_SECONDS else None

    def csrf(self, user: str) -> str:
        """The token that changes by ticket must carry."""
        stamp = _stamp()
        return f"{stamp}:{self._csrf_signature(stamp, user)}"

    def _csrf_signature(self, stamp: str, user: str) -> str:
        digest = hmac.digest(self._csrf, f"{stamp}:{user}".encode(), hashlib.sha256)
        return base64.b64encode(digest).decode().rstrip("=")

    def csrf_valid(self, user: str, token: str | None) -> bool:
        """Whether such a token is the user's."""
        stamp, _, signature = (token or "").partition(":")
        if not re.fullmatch(STAMP, stamp) or not _same(signature, self._csrf_signature(stamp, user)):
            return False
        return -CLOCK_TOLERANCE < now() - int(stamp, 16) < TICKET_SECONDS

    def vnc(self, who: str, path: str, port: int | None = None) -> str:
        """A console's ticket, for one user or token (`who`), one path such as `/vms/100` and one port."""
        plain = f"PVEVNC:{_stamp()}"
        return f"{plain}::{_sign(self._key, plain + _vnc_secret(who, path, port))}"

    def verify_vnc(self, ticket: str, who: str, path: str, port: int | None = None) -> None:
        """Raise 401 unless the ticket is for these and at most 40 s old; a password may stand before it."""
        match = re.fullmatch(rf"(?:.{{8}}:)?(PVEVNC:({STAMP}))::(\S+)", ticket, re.DOTALL)
        wanted = _sign(self._key, match[1] + _vnc_secret(who, path, port)) if match else ""
        age = now() - int(match[2], 16) if match else VNC_SECONDS
        if match is None or not _same(match[3], wanted) or not -VNC_TOLERANCE < age < VNC_SECONDS:
            raise ApiError(401, "permission denied - invalid PVEVNC ticket")


def _stamp() -> str:
    return f"{int(now()):08X}"


def _vnc_secret(who: str, path: str, port: int | None) -> str:
    return f":{who}:{path}" + (f":{port}" if port is not None else "")


def _sign(key: bytes, text: str) -> str:
    parts = (hmac.digest(key, bytes([n]) + text.encode(), hashlib.sha512) for n in range(4))
    return base64.b64encode(b"".join(parts)).decode()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
