"""Passwords: argon2id for our own, and the forms in which an import brings them.

A legacy MD5 or SHA-256 digest is never kept bare: it is itself hashed with argon2id, its salt or key beside it. Right
passwords are then rehashed with `hash_password` at the first sign-in.

    scheme       source                     kept as
    argon2id     ours                       argon2id(password)
    bcrypt       $2a$ $2b$ $2y$             as it is
    md5          md5(password)              argon2id(hex digest)
    md5_salt     md5(salt + password):salt  argon2id(hex digest):salt
    sha256_key   hmac(key, password):key    argon2id(hex digest):key

The legacy forms are those public WHMCS documentation and importers describe (docs.whmcs.com "Admin Password Hashing",
fleio/whmcs2fleio).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable

import argon2
import bcrypt

_OURS = argon2.PasswordHasher()
# An imported digest is replaced at the first sign-in, and an import wraps tens of thousands of them in one go.
_WRAPPER = argon2.PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)

_BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")
_MD5 = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
# PostgreSQL keeps neither NUL nor lone surrogates, and U+FFFD stands for bytes that were lost: without these the salt
# is another one, and no password would ever open what it was hashed with.
_MD5_SALT = re.compile(r"[0-9a-f]{32}:[^\x00\ud800-\udfff\ufffd]+", re.IGNORECASE)
_SHA256_KEY = re.compile(r"[0-9a-f]{64}:[^\x00\ud800-\udfff\ufffd]+", re.IGNORECASE)
_DIGESTS: dict[str, Callable[[bytes, bytes], str]] = {
    "md5": lambda _, password: hashlib.md5(password, usedforsecurity=False).hexdigest(),
    "md5_salt": lambda salt, password: hashlib.md5(salt + password, usedforsecurity=False).hexdigest(),
    "sha256_key": lambda key, password: hmac.new(key, password, "sha256").hexdigest(),
}
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#039;"))


def hash_password(password: str) -> str:
    """The argon2id hash of a password, to be kept under the scheme `argon2id`."""
    return _OURS.hash(password)


def verify(scheme: str, stored: str, password: str) -> bool:
    """Whether `password` opens what is kept as `stored` under `scheme`; an unknown scheme opens to nothing.

    Legacy schemes also accept a password that was escaped as PHP's `htmlspecialchars` does before it was hashed.
    """
    if scheme == "argon2id":
        return _argon2_holds(stored, password)
    candidates = dict.fromkeys((password, _escaped(password)))
    return any(_verify_legacy(scheme, stored, candidate) for candidate in candidates)


def scheme_of(raw: str) -> str | None:
    """The scheme of a hash as the source keeps it, or None when nobody can sign in by it (none, encrypted, damaged)."""
    patterns = (("bcrypt", _BCRYPT), ("md5", _MD5), ("md5_salt", _MD5_SALT), ("sha256_key", _SHA256_KEY))
    return next((scheme for scheme, pattern in patterns if pattern.fullmatch(raw)), None)


def import_hash(raw: str) -> tuple[str, str] | None:
    """`(scheme, stored)` for a hash as the source keeps it, or None when nobody can sign in with it."""
    scheme = scheme_of(raw)
    if scheme is None or scheme == "bcrypt":
        return None if scheme is None else (scheme, raw)
    # A salt may hold colons itself: only the first one separates.
    digest, colon, salt = raw.partition(":")
    return scheme, f"{_WRAPPER.hash(digest.lower())}{colon}{salt}"


def needs_rehash(scheme: str, stored: str) -> bool:
    """Whether a password that has just proved right should be hashed anew."""
    return scheme != "argon2id" or _OURS.check_needs_rehash(stored)


def _verify_legacy(scheme: str, stored: str, password: str) -> bool:
    secret = password.encode("utf-8", "replace")
    if scheme == "bcrypt":
        return _bcrypt_holds(stored, secret)
    if scheme not in _DIGESTS:
        return False
    # The text of an argon2id hash holds no colon.
    wrapped, _, salt = stored.partition(":")
    return _argon2_holds(wrapped, _DIGESTS[scheme](salt.encode(), secret))


def _bcrypt_holds(stored: str, secret: bytes) -> bool:
    try:
        # PHP cuts at 72 bytes where the library refuses; it also ends a password at a NUL byte.
        return bcrypt.checkpw(secret.partition(b"\x00")[0][:72], stored.encode())
    except ValueError:
        return False


def _argon2_holds(stored: str, password: str) -> bool:
    try:
        return _OURS.verify(stored, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError, UnicodeEncodeError):
        return False


def _escaped(password: str) -> str:
    for sign, entity in _ESCAPES:
        password = password.replace(sign, entity)
    return password
