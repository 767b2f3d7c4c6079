"""The database is restored from a backup while Proxmox has moved on: it is reconciled, and nothing is destroyed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain import ids
from domain.cluster.state import fold
from eventstore.database import open_pool
from hypervisor.fake import Accident, Crash
from orchestrator.observer import Observer
from projector.loop import catch_up
from service.command.backup import backup
from service.command.restore import restore
from testbed.postgres import Postgres
from tests.given import IMAGE
from tests.orchestrator.conftest import FragileStore, Life

pytestmark = pytest.mark.pg
Restore = Callable[[], Any]
RULES = {"id": str(IMAGE.id), "name": IMAGE.name, "template": IMAGE.template}


@dataclass
class MovedOn:
    """Servers by what became of them after the backup; `used` are the VMIDs that were ever given."""

    life: Life
    servers: dict[str, UUID]
    used: dict[str, int]

    async def live(self, hours: int = 2) -> None:
        """The programs run: every server has its wakes, and the cluster is looked at."""
        observer = Observer(self.life.tools, self.life.hypervisor)
        rows = await self.life.store.pool.fetch("SELECT DISTINCT stream_id FROM event WHERE type = 'server.requested'")
        for _ in range(hours):
            for row in rows:
                await self.life.round(row["stream_id"])
            for _ in range(2):
                await catch_up(self.life.store)
                await observer.look()
            self.life.advance(3600)

    async def said(self, name: str) -> list[str]:
        """The status of a server, and how its guest differs."""
        state = await self.life.state(self.servers[name])
        return [state.status, *(drift.kind for drift in state.drift)]

    async def waits_for(self, name: str) -> str:
        """The operation that waits for staff, and why."""
        operation = (await self.life.state(self.servers[name])).current
        assert operation is not None
        assert operation.step is not None
        return f"{operation.type} {operation.error.code if operation.error else operation.step.detail}"

    def there(self) -> dict[str, Any]:
        """What could be destroyed."""
        guests = self.life.world.guests.values()
        kept = {f"guest {g.vmid}": (g.smbios_uuid, g.volumes, sorted(g.snapshots), g.power) for g in guests}
        return kept | {"volumes": sorted(self.life.world.volumes), "backups": sorted(self.life.world.backups)}


async def _before(life: Life) -> dict[str, UUID]:
    """Of each kind of thing that can be under way, one."""
    names = ("kept", "removed", "undone", "rebuilt", "rolled back", "copied")
    servers = {name: await life.create(f"web-{n}") for n, name in enumerate(names)}
    for server in servers.values():
        await life.settle(server)
    await life.ask(servers["rolled back"], "snapshot", name="s")
    await life.ask(servers["copied"], "backup", name="b")
    await life.ask(servers["undone"], "terminate")
    for name in ("rolled back", "copied", "undone"):
        await life.settle(servers[name])
    snapshot = (await life.state(servers["rolled back"])).snapshots[0]
    await life.ask(servers["rolled back"], "snapshot_restore", snapshot_id=str(snapshot.id))
    life.hypervisor.plan("roll_back", Accident.CRASH_AFTER)
    with contextlib.suppress(Crash):
        await life.settle(servers["rolled back"])
    await life.ask(servers["rebuilt"], "rebuild", image=RULES)
    copy = (await life.state(servers["copied"])).backups[0]
    await life.ask(servers["copied"], "backup_restore", backup_id=str(copy.id))
    return servers


async def _after(life: Life, servers: dict[str, UUID]) -> dict[str, int]:
    """Everything ends, and more happens."""
    await life.ask(servers["undone"], "restore")
    await life.ask(servers["removed"], "terminate")
    for server in servers.values():
        await life.settle(server)
    everybody = servers | {name: await life.create(name) for name in ("later", "short")}
    for name in ("later", "short"):
        await life.settle(everybody[name])
    await life.ask(everybody["short"], "terminate")
    await life.settle(everybody["short"])
    life.advance(31)
    for server in (everybody["short"], servers["removed"]):
        await life.round(server)
        assert (await life.settle(server)).status == "terminated"
    assert (await life.state(servers["undone"])).status == "running"
    states = {name: await life.state(server) for name, server in everybody.items()}
    return {name: state.vmid for name, state in states.items() if state.vmid is not None}


@pytest.fixture
async def moved_on(life: Life, other_database_url: str, tmp_path: Path, postgres: Postgres) -> AsyncIterator[MovedOn]:
    """An installation whose database is that of some time ago."""
    servers = await _before(life)
    async with life.store.pool.acquire() as connection:
        await backup(connection, tmp_path / "backup")
    used = await _after(life, servers)
    search = f"{postgres.binaries}:{os.environ['PATH']}"
    await restore(other_database_url, tmp_path / "backup", life.tools.config, replace_all=False, search=search)
    pool = await open_pool(other_database_url)
    life.store = FragileStore(pool, life.store.codec)
    life.tools = replace(life.tools, store=life.store)
    yield MovedOn(life, servers, used)
    pool.terminate()


async def test_nothing_is_destroyed_and_nothing_is_given_twice(moved_on: MovedOn) -> None:
    """Whatever the old records say was under way: it may have ended long ago."""
    before, calls = moved_on.there(), list(moved_on.life.hypervisor.calls)
    await moved_on.live()
    assert moved_on.there() == before
    assert moved_on.life.hypervisor.calls[len(calls) :] == []
    assert await moved_on.said("kept") == ["running"]
    assert await moved_on.said("removed") == ["running", "gone"]
    waiting = {name: await moved_on.waits_for(name) for name in ("rebuilt", "rolled back", "copied")}
    assert waiting == {
        "rebuilt": "rebuild restored",
        "rolled back": "snapshot_restore restored",
        "copied": "backup_restore restored",
    }
    assert "staff are asked first" in await moved_on.waits_for("undone")
    strays = fold(await moved_on.life.store.read_stream(ids.cluster("demo"))).strays
    assert list(strays) == [("stranger", moved_on.used["later"])]
    await _is_not_given_again(moved_on)


async def _is_not_given_again(moved_on: MovedOn) -> None:
    """A new server gets neither number nor address of what was made since, nor the number of what is gone again."""
    life = moved_on.life
    taken = {ip.address for guest in life.world.guests.values() for ip in guest.ipconfig.values()}
    state = await life.settle(await life.create("new"))
    assert state.status == "running"
    assert state.vmid not in moved_on.used.values()
    assert {f"{address.address}/{address.prefix}" for address in state.addresses}.isdisjoint(taken)
