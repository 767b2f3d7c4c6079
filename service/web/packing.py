"""Long JSON answers leave packed, for who can read them so.

What has an entity tag leaves as it is: a strong tag stands for its very bytes. The rest of what is packed here has no
secret beside text that somebody else chose, so its length tells nothing (BREACH takes both).
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable

from starlette.types import Message, Scope

LEAST = 4 * 1024  # bytes; less than this saves no packet worth the work
ASIDE = 256 * 1024  # from here on it takes long enough to hold up others
LEVEL = 1  # a list of servers becomes a tenth; level 6 takes four times as long for a little less
Header = tuple[bytes, bytes]


def may_be_packed(start: Message) -> bool:
    """Whether the answer that begins so is long JSON that may leave in more than one form."""
    if start["status"] != 200:
        return False
    said = dict(start["headers"])
    length = said.get(b"content-length", b"0")
    return int(length) > LEAST and said.get(b"content-type") == b"application/json" and b"etag" not in said


def reads_gzip(scope: Scope) -> bool:
    """Whether who asks takes gzip."""
    given = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding")
    takes: dict[str, bool] = {}
    for offer in given.decode("latin-1").lower().replace(" ", "").split(","):
        coding, _, quality = offer.partition(";q=")
        takes[coding] = quality.rstrip("0") not in ("", "0.") or not quality
    return takes.get("gzip", takes.get("*", False))


async def pack(data: bytes) -> bytes:
    """The same, as gzip."""
    return await asyncio.to_thread(_packed, data) if len(data) > ASIDE else _packed(data)


def _packed(data: bytes) -> bytes:
    press = zlib.compressobj(LEVEL, wbits=31)
    return press.compress(data) + press.flush()


def headers(given: Iterable[Header], length: int | None) -> list[Header]:
    """The headers of an answer that may be packed; `length` of one that is."""
    kept = [one for one in given if one[0] not in (b"vary", *([b"content-length"] if length is not None else []))]
    kept.append((b"vary", b"Accept-Encoding"))
    if length is not None:
        kept += [(b"content-encoding", b"gzip"), (b"content-length", str(length).encode())]
    return kept
