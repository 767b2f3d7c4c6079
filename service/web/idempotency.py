"""A request that may be sent twice: its key is claimed with the events it wrote, together with its answer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from eventstore.database import Connection, Pool
from service.deps import caller
from service.reads import SQL
from service.web.problems import Problem, invalid

LONGEST = 255


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer, as it was first given."""

    status: int
    headers: dict[str, str]
    body: str

    def response(self) -> Response:
        """The answer, given again."""
        return Response(self.body, self.status, {"Cache-Control": "no-store", **self.headers}, "application/json")


@dataclass(frozen=True, slots=True)
class Key:
    """A key of one user, and what the request under it asked for."""

    user_id: UUID
    text: str
    fingerprint: bytes


def key_of(request: Request, body: BaseModel | None) -> Key | None:
    """The request's Idempotency-Key, or None without one.

    Raises:
        Problem: it is empty or too long.
    """
    text = request.headers.get("idempotency-key")
    if text is None:
        return None
    if not 0 < len(text) <= LONGEST:
        raise invalid("/Idempotency-Key", f"An Idempotency-Key has 1 to {LONGEST} characters.")
    payload = body.model_dump(mode="json") if body is not None else None
    asked = json.dumps([request.method, request.url.path, payload], sort_keys=True)
    return Key(caller(request).user_id, text, hashlib.sha256(asked.encode()).digest())


async def find(pool: Pool, key: Key | None) -> Stored | None:
    """The answer stored under a key, or None when the request is new.

    Raises:
        Problem: the key came before with another request.
    """
    row = await pool.fetchrow(SQL.stored_answer, key.user_id, key.text) if key is not None else None
    if row is None or key is None:
        return None
    if row["fingerprint"] != key.fingerprint:
        raise Problem("idempotency_key_reused")
    return Stored(row["status"], json.loads(row["headers"]), row["body"])


async def keep(connection: Connection, key: Key, answer: Stored) -> None:
    """Claim a key together with its answer, in the transaction that wrote the events."""
    headers = json.dumps(answer.headers)
    fields = (key.user_id, key.text, key.fingerprint, answer.status, headers, answer.body)
    await connection.execute(SQL.store_answer, *fields)
