"""Servers as lists show them, kept for a while: most lists show what the last one showed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from domain.server import represent
from domain.server.represent import Sights
from service.kept import Kept
from service.reads import STATE_SECONDS, Reads
from service.web.reply import encode

SIZE = 10_000


class Shown:
    """Representations by server, version and audience."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._kept: Kept[tuple[UUID, int, bool], msgspec.Raw] = Kept(SIZE, STATE_SECONDS)

    async def servers(self, rows: Sequence[asyncpg.Record], sights: Sights, *, staff: bool) -> dict[UUID, msgspec.Raw]:
        """Rows of `server_view` as JSON, by their ids. What depends on whether a cluster answers is not kept."""
        away = {cluster for cluster, sight in sights.items() if not sight.reachable}
        keys = [(row["server_id"], row["version"], staff) for row in rows if row["cluster"] not in away]
        found = {key[0]: represented for key, represented in self._kept.some(keys).items()}
        missing = {row["server_id"]: row["version"] for row in rows if row["server_id"] not in found}
        for id, state in (await self._reads.states(missing)).items() if missing else ():
            found[id] = msgspec.Raw(encode(represent.server(state, sights, staff=staff)))
            if state.cluster not in away:
                self._kept.keep((id, state.version, staff), found[id])
        return found
