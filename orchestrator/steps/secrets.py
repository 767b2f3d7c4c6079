"""The password of an operation: sealed in the database until it is used."""

from __future__ import annotations

import json

from eventstore.database import Connection
from orchestrator.work import SQL, Work


async def password_of(work: Work) -> str | None:
    """The password given with the operation that goes on, if one was.

    Raises:
        Unsealable: it cannot be read any more.
    """
    sealed = await work.tools.store.pool.fetchval(SQL.secret, work.operation.id)
    if sealed is None:
        return None
    password: str | None = json.loads(work.tools.seal.open(sealed, work.operation.id.bytes)).get("password")
    return password


async def forget(work: Work, connection: Connection) -> None:
    """It has been used, or never will be."""
    await connection.execute(SQL.forget_secret, work.operation.id)
