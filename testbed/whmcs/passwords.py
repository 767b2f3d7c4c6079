"""Password hashes as WHMCS stored them over the years.

bcrypt since 6.3, md5 with a salt before, HMAC-SHA256 where PHP had no bcrypt (public documentation and forums).
"""

import base64
import hashlib
import hmac
import html
from dataclasses import dataclass
from random import Random
from string import ascii_letters, digits

import bcrypt

_BCRYPT64 = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
)


@dataclass(frozen=True, slots=True)
class Password:
    """A password as stored; `plain` is None when no password fits the stored text."""

    plain: str | None
    stored: str
    scheme: str


def random_password(chance: Random) -> str:
    """Sixteen letters and digits."""
    return "".join(chance.choices(ascii_letters + digits, k=16))


def bcrypted(plain: str, chance: Random, *, variant: str = "2y", cost: int = 10) -> Password:
    """bcrypt; as in PHP, only the first 72 bytes of the password count."""
    salt = base64.b64encode(chance.randbytes(16)).rstrip(b"=").translate(_BCRYPT64)
    stored = bcrypt.hashpw(plain.encode()[:72], f"${variant}${cost:02d}$".encode() + salt)
    return Password(plain, stored.decode(), "bcrypt")


def md5_salted(plain: str, salt: str) -> Password:
    """`md5(salt + password):salt`."""
    return Password(plain, f"{_md5(salt + plain)}:{salt}", "md5_salt")


def md5_escaped(plain: str, salt: str) -> Password:
    """As `md5_salted`, of the password as HTML would show it: some releases escaped input before hashing it."""
    return Password(plain, f"{_md5(salt + html.escape(plain).replace('&#x27;', '&#039;'))}:{salt}", "md5_salt")


def md5_plain(plain: str) -> Password:
    """md5 without a salt, as left by resets done in SQL."""
    return Password(plain, _md5(plain), "md5")


def sha256_keyed(plain: str, key: str) -> Password:
    """`hmac-sha256(key, password):key`, from installations on a PHP without bcrypt."""
    digest = hmac.new(key.encode(), plain.encode(), hashlib.sha256).hexdigest()
    return Password(plain, f"{digest}:{key}", "sha256_key")


def unusable(stored: str = "") -> Password:
    """A text that no password fits: never set, or a ciphertext of the oldest releases."""
    return Password(None, stored, "none")


def salt_of(chance: Random) -> str:
    """Five printable characters without a colon."""
    return "".join(chance.choices(ascii_letters + digits + "()!#$%*+", k=5))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
