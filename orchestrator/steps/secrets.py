"""What of an operation is nobody's to read, a password and user data: sealed in the database until it is used."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from eventstore.database import Connection
from orchestrator.work import SQL, Work


@dataclass(frozen=True, slots=True)
class Given:
    """What came with an operation, None for what did not."""

    password: str | None = field(default=None, repr=False)
    user_data: str | None = field(default=None, repr=False)


async def given_with(work: Work) -> Given:
    """The secrets that were given with the operation that goes on.

    Raises:
        Unsealable: they cannot be read any more.
    """
    sealed = await work.tools.store.pool.fetchval(SQL.secret, work.operation.id)
    if sealed is None:
        return Given()
    found = json.loads(work.tools.seal.open(sealed, work.operation.id.bytes))
    return Given(found.get("password"), found.get("user_data"))


async def forget(work: Work, connection: Connection) -> None:
    """They have been used, or never will be."""
    await connection.execute(SQL.forget_secret, work.operation.id)
