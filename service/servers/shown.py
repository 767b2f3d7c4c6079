"""Servers as lists show them, kept for a while: most lists show what the last one showed."""

from __future__ import annotations

from collections.abc import Set
from uuid import UUID

import asyncpg
import msgspec

from domain.server import represent
from domain.server.represent import Sights
from service.kept import Kept
from service.reads import STATE_SECONDS, Reads
from service.web import paging
from service.web.reply import encode

SIZE, PAGES = 10_000, 200


class Shown:
    """Representations by server, version and audience, and whole pages by the rows they show."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._kept: Kept[tuple[UUID, int, bool], msgspec.Raw] = Kept(SIZE, STATE_SECONDS)
        self._pages: Kept[tuple[object, ...], bytes] = Kept(PAGES, STATE_SECONDS)

    async def page(
        self, rows: list[asyncpg.Record], limit: int, sort: str, column: str, sights: Sights, *, staff: bool
    ) -> bytes:
        """A page of rows of `server_view`, of which one more than `limit` was asked for, as JSON.

        What depends on whether a cluster answers is not kept.
        """
        away = {cluster for cluster, sight in sights.items() if not sight.reachable}
        lasting = not away or away.isdisjoint(row["cluster"] for row in rows)
        key = (tuple(rows), limit, sort, staff)
        if lasting and (kept := self._pages.get(key)) is not None:
            return kept
        servers = await self._servers(rows[:limit], sights, away, staff=staff)
        shown = paging.page(
            rows,
            limit,
            lambda row: servers[row["server_id"]],
            lambda row: paging.cursor(sort, row[column], row["server_id"]),
        )
        data = encode(shown)
        if lasting:
            self._pages.keep(key, data)
        return data

    async def _servers(
        self, rows: list[asyncpg.Record], sights: Sights, away: Set[str], *, staff: bool
    ) -> dict[UUID, msgspec.Raw]:
        keys = [(row["server_id"], row["version"], staff) for row in rows if row["cluster"] not in away]
        found = {key[0]: represented for key, represented in self._kept.some(keys).items()}
        missing = {row["server_id"]: row["version"] for row in rows if row["server_id"] not in found}
        for id, state in (await self._reads.states(missing)).items() if missing else ():
            found[id] = msgspec.Raw(encode(represent.server(state, sights, staff=staff)))
            if state.cluster not in away:
                self._kept.keep((id, state.version, staff), found[id])
        return found
