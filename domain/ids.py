"""Outside, an id is `<prefix>_<32 hex digits>`; inside, it is a UUID."""

from __future__ import annotations

import re
from hashlib import sha1
from uuid import UUID

SERVER, OPERATION, USER, ACCOUNT, CLUSTER = "srv", "op", "usr", "acc", "clu"
PLAN, IMAGE, LOCATION, RUN = "pln", "img", "loc", "run"
SNAPSHOT, BACKUP, SSH_KEY, SESSION, TOKEN = "snp", "bak", "key", "ses", "tok"
INVITATION, WEBHOOK, DELIVERY, NOTE, VIEW, DECISION = "inv", "whk", "dlv", "nte", "view", "dec"

_SHAPE = re.compile(r"([a-z]{2,4})_([0-9a-f]{32})")
_IMPORTED = UUID("6b1d6f0e-3a86-5c7e-9d0f-52a6c1f0b7aa")
_CATALOGUE = UUID("c0a1f7f2-9f1e-5b43-8f0e-0f6b8e6c2d11")
_BILLED = UUID("0d6c7f5e-41a9-5b1e-8c52-3f1b5a9e7d10")
_CLUSTER = UUID("5b7d6f1c-0f52-5d0a-9f4e-7c1f2f6a9d33")

INSTALLATION = UUID("3e0c7a52-64f1-5a8d-b6c9-90d2f7e41b58")  # the stream of what is decided for all of it
_DECISION = UUID("a91f4d06-2b7e-5c33-8d5f-6e7042c1f9ab")

_FREE, _FIFTH = ~(0xF << 76 | 0x3 << 62), 0x5 << 76 | 0x2 << 62  # RFC 9562: version and variant


def _named(space: UUID, name: str) -> UUID:
    """`uuid.uuid5` in half its time: imports ask by the hundred thousand."""
    digest = sha1(space.bytes + name.encode(), usedforsecurity=False).digest()
    return UUID(int=int.from_bytes(digest[:16], "big") & _FREE | _FIFTH)


def show(prefix: str, id: UUID) -> str:
    """The outside form of an id."""
    return f"{prefix}_{id.hex}"


def parse(prefix: str, text: str) -> UUID | None:
    """The UUID inside `text`, or None when it is not an id of this kind."""
    match = _SHAPE.fullmatch(text)
    return UUID(match[2]) if match and match[1] == prefix else None


def imported(source: str, entity: str, source_id: str) -> UUID:
    """The stream of an imported row: the same row of the same source is always the same stream."""
    return _named(_IMPORTED, f"{source}:{entity}:{source_id}")


def billed(external_id: str) -> UUID:
    """The stream of a server that a billing system asked for under an id of its own."""
    return _named(_BILLED, external_id)


def cluster(name: str) -> UUID:
    """The stream of what is said of a cluster."""
    return _named(_CLUSTER, name)


def decision(stream: UUID, version: int) -> UUID:
    """The id of what somebody decided, as its place in a stream has it."""
    return _named(_DECISION, f"{stream.hex}:{version}")


def catalogue(kind: str, key: str) -> UUID:
    """The stream of a catalogue item declared under `key` in the settings."""
    return _named(_CATALOGUE, f"{kind}:{key}")
