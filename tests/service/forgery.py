"""Access tokens as somebody would forge them, each wrong in one way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import OKPKey

from service.identity.tokens import Tokens

GONE = object()  # a claim or header that is left out


def token(tokens: Tokens, session_id: UUID, user: str, *, header: Any = None, key: Any = None, **claims: Any) -> str:
    """A token that would be right, with other claims and headers, signed with another key."""
    now, signing = int(time.time()), tokens.keys.signing
    said = {
        "iss": "hostler",
        "aud": "hostler-api",
        "sub": user,
        "sid": session_id.hex,
        "role": "admin",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
        "jti": "1",
        **claims,
    }
    shown = {"alg": "Ed25519", "typ": "at+jwt", "kid": signing.kid, **(header or {})}
    text = f"{_part(shown)}.{_part(said)}"
    return f"{text}.{_base64(_signature(str(shown['alg']), key or signing.key, text.encode()))}"


def forged(tokens: Tokens, session_id: UUID, user: str) -> dict[str, str]:
    """What is wrong with it, and the token."""

    def made(**changes: Any) -> str:
        return token(tokens, session_id, user, **changes)

    now, public = int(time.time()), tokens.keys.signing.key.public_key
    stranger, plain = Ed25519PrivateKey.generate(), made()
    mine = OKPKey.import_key(stranger.public_key()).as_dict(private=False)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {
        "wrong key": made(key=stranger),
        "its own key": made(key=stranger, header={"jwk": mine}),
        "key of another place": made(key=stranger, header={"jku": "https://example.com/jwks.json"}),
        "alg none": made(header={"alg": "none"}),
        "alg None": made(header={"alg": "None"}),
        "HS256 with the public key in PEM": made(header={"alg": "HS256"}, key=pem),
        "HS256 with the public key": made(header={"alg": "HS256"}, key=raw),
        "another algorithm's name": made(header={"alg": "EdDSA"}),
        "unknown kid": made(header={"kid": "another"}),
        "no kid": made(header={"kid": GONE}),
        "kid of another kind": made(header={"kid": ["a"]}),
        "another type": made(header={"typ": "JWT"}),
        "critical extension": made(header={"crit": ["x"], "x": 1}),
        "other audience": made(aud="somebody-else"),
        "no audience": made(aud=GONE),
        "other issuer": made(iss="somebody-else"),
        "expired": made(exp=now - 1),
        "no end": made(exp=GONE),
        "an end that is no number": made(exp="tomorrow"),
        "not yet": made(nbf=now + 600),
        "no beginning": made(nbf=GONE),
        "of tomorrow": made(iat=now + 86400),
        "no jti": made(jti=GONE),
        "no session": made(sid=GONE),
        "a session that is no id": made(sid="../1"),
        "a user that is no id": made(sub="1"),
        "no signature": plain.rpartition(".")[0] + ".",
        "another body": _with_body_of(plain, made(role="owner")),
        "four parts": f"{plain}.x",
    }


def _with_body_of(token: str, other: str) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{other.split('.')[1]}.{signature}"


def _signature(algorithm: str, key: Any, text: bytes) -> bytes:
    if algorithm.lower() == "none":
        return b""
    if algorithm == "HS256":
        return hmac.digest(key, text, hashlib.sha256)
    private: Ed25519PrivateKey = key if isinstance(key, Ed25519PrivateKey) else key.private_key
    return private.sign(text)


def _part(said: dict[str, Any]) -> str:
    return _base64(json.dumps({name: value for name, value in said.items() if value is not GONE}).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
