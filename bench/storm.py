"""`bench/storm.py --seed N --servers N --minutes M`: a real storm, then the cluster is asked whether the laws held.

Its last line is JSON: `{operations, faults{kind:n}, duplicates, orphans, lost, stuck, wrong_state}`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx

from bench.storm_place import STAFF_EMAIL, Storming, email, signed_in, storming
from domain import ids
from domain.registry import EVENTS
from domain.server.evolve import fold
from domain.server.state import Server
from eventstore.codec import Codec
from eventstore.database import open_pool
from eventstore.store import EventStore

FIRST_VMID = 10_000_000
ORCHESTRATORS, NODES, CUSTOMERS = 4, 3, 3
CALM_SECONDS = 420.0
MARK = re.compile(r"hostler server=([0-9a-f]{32}) ")
USER_DATA = "#!/bin/sh\nhostname\n"
ACTIONS: dict[str, tuple[dict[str, Any], ...]] = {
    "running": (
        {"type": "stop"},
        {"type": "shutdown"},
        {"type": "reboot"},
        {"type": "reset"},
        {"type": "rebuild", "image": "debian-12"},
        {"type": "rebuild", "image": "debian-12", "user_data": USER_DATA},
        {"type": "resize", "plan": "vps-m"},
        {"type": "snapshot", "name": "a snapshot"},
        {"type": "snapshot_restore"},
        {"type": "snapshot_delete"},
        {"type": "backup", "name": "a backup"},
        {"type": "backup_restore"},
        {"type": "backup_delete"},
        {"type": "rename", "name": "renamed"},
        {"type": "reset_password"},
    ),
    "stopped": (
        {"type": "start"},
        {"type": "start"},
        {"type": "start"},
        {"type": "snapshot", "name": "a snapshot"},
        {"type": "snapshot_restore"},
        {"type": "backup_restore"},
    ),
    "terminating": ({"type": "restore"},),
}
STAFF: dict[str, dict[str, Any]] = {
    "running": {"type": "suspend", "reason": "abuse"},
    "suspended": {"type": "unsuspend", "reason": "abuse"},
}
WORKERS = (
    "qmclone",
    "qmstart",
    "qmshutdown",
    "resize",
    "qmconfig",
    "qmsnapshot",
    "qmrollback",
    "qmdelsnapshot",
    "vzdump",
    "qmrestore",
    "qmdestroy",
)


class Storm:
    """People, programs and weather for so many seconds; `chance` is the seed's."""

    def __init__(self, place: Storming, seed: int, servers: int, seconds: float):
        self.place = place
        self.chance = random.Random(seed)
        self.servers = servers
        self.end = time.monotonic() + seconds
        self.faults: Counter[str] = Counter()
        self.accepted: list[str] = []
        self.ordered: list[str] = []

    def raging(self) -> bool:
        """Whether it goes on."""
        return time.monotonic() < self.end

    async def rage(self) -> None:
        """Until the time is over."""
        async with asyncio.TaskGroup() as group:
            for n in range(CUSTOMERS):
                group.create_task(self._customer(n))
            for one in (self._staff(), self._reaper(), self._weather(), self._outsider()):
                group.create_task(one)

    async def _customer(self, n: int) -> None:
        async with signed_in(self.place, email(n)) as client:
            mine: list[str] = []
            while self.raging():
                with contextlib.suppress(httpx.HTTPError):
                    await self._wish(client, mine)
                await asyncio.sleep(self.chance.uniform(0.1, 1.0))

    async def _staff(self) -> None:
        """Suspends servers and lets them go again."""
        async with signed_in(self.place, STAFF_EMAIL) as client:
            while self.raging():
                await asyncio.sleep(self.chance.uniform(1, 4))
                with contextlib.suppress(httpx.HTTPError):
                    await self._patrol(client)

    async def _patrol(self, client: httpx.AsyncClient) -> None:
        if not self.ordered:
            return
        id = self.chance.choice(self.ordered)
        action = STAFF.get((await client.get(f"/v1/servers/{id}")).json().get("status", ""))
        if action is not None:
            await self._asked(client.post(f"/v1/servers/{id}/actions", json=action))

    async def _wish(self, client: httpx.AsyncClient, mine: list[str]) -> None:
        if len(mine) < self.servers / CUSTOMERS and (not mine or self.chance.random() < 0.6):
            order = {"name": "web", "plan": "vps-s", "image": "debian-12", "location": "fra1"}
            order |= {"user_data": USER_DATA} if self.chance.random() < 0.5 else {}
            body = await self._asked(client.post("/v1/servers", json=order))
            if body is not None:
                mine.append(body["server"]["id"])
                self.ordered.append(body["server"]["id"])
            return
        id = self.chance.choice(mine)
        status = (await client.get(f"/v1/servers/{id}")).json().get("status", "")
        if status in ("running", "stopped", "failed", "provisioning") and self.chance.random() < 0.15:
            await self._asked(client.delete(f"/v1/servers/{id}"))
        elif status in ACTIONS:
            action = await self._of_a_copy(client, id, self.chance.choice(ACTIONS[status]))
            await self._asked(client.post(f"/v1/servers/{id}/actions", json=action))

    async def _of_a_copy(self, client: httpx.AsyncClient, id: str, action: dict[str, Any]) -> dict[str, Any]:
        """The action, with the newest snapshot or backup it is about."""
        kind, _, verb = action["type"].partition("_")
        if kind not in ("snapshot", "backup") or not verb:
            return action
        found = (await client.get(f"/v1/servers/{id}/{kind}s")).json().get("data", [])
        return action | {kind: found[0]["id"]} if found else action

    async def _asked(self, call: Any) -> dict[str, Any] | None:
        answer = await call
        if answer.status_code != 202:
            return None
        body: dict[str, Any] = answer.json()
        self.accepted.append(body["operation"]["id"])
        return body

    async def _reaper(self) -> None:
        while self.raging():
            await asyncio.sleep(self.chance.uniform(1, 8))
            program = self.place.programs[self.chance.choice([*self.place.names, "projector"])]
            if program.pid is None:
                continue
            if self.chance.random() < 0.6:
                self.faults["killed"] += 1
                os.kill(program.pid, signal.SIGKILL)
                program.end(time.monotonic() + 10)
                program.start()
            else:
                self.faults["frozen"] += 1
                os.kill(program.pid, signal.SIGSTOP)
                await asyncio.sleep(self.chance.uniform(1, 25))
                os.kill(program.pid, signal.SIGCONT)

    async def _weather(self) -> None:
        kinds = (self._lossy, self._late, self._worker, self._node_away, self._daemon_frozen, self._database)
        async with self.place.control() as control:
            while self.raging():
                await asyncio.sleep(self.chance.uniform(0.5, 4))
                what = self.chance.choice(kinds)
                self.faults[what.__name__.strip("_")] += 1
                await what(control)

    async def _rule(self, control: httpx.AsyncClient, rule: dict[str, Any]) -> None:
        (await control.post("/faults", json=rule)).raise_for_status()

    async def _lossy(self, control: httpx.AsyncClient) -> None:
        kind = self.chance.choice(("drop_before", "drop_after_effect", "drop_in_answer", "status", "595"))
        skip = self.chance.randrange(3)
        await self._rule(control, {"match": {"class": "write"}, "kind": kind, "skip": skip})

    async def _late(self, control: httpx.AsyncClient) -> None:
        kind, seconds = self.chance.choice(("late_execution", "596")), self.chance.uniform(1, 20)
        await self._rule(control, {"match": {"class": "write"}, "kind": kind, "seconds": seconds})

    async def _worker(self, control: httpx.AsyncClient) -> None:
        kind = self.chance.choice(("kill_worker", "fail_worker"))
        await self._rule(control, {"match": {"type": self.chance.choice(WORKERS)}, "kind": kind})

    async def _node_away(self, control: httpx.AsyncClient) -> None:
        await self._node(control, self.chance.choice(("down", "daemon_down")), self.chance.uniform(1, 10))

    async def _daemon_frozen(self, control: httpx.AsyncClient) -> None:
        await self._node(control, "daemon_frozen", self.chance.uniform(1, 10))

    async def _node(self, control: httpx.AsyncClient, state: str, seconds: float) -> None:
        node = f"pve{self.chance.randint(1, NODES)}"
        await control.post(f"/nodes/{node}", json={"state": state})
        await asyncio.sleep(seconds)
        await control.post(f"/nodes/{node}", json={"state": "up"})

    async def _database(self, control: httpx.AsyncClient) -> None:
        """PostgreSQL crashes and is started again."""
        if self.chance.random() < 0.2:
            await asyncio.to_thread(self.place.postgres.kill)
            await asyncio.to_thread(self.place.postgres.start)

    async def _outsider(self) -> None:
        async with self.place.control() as control:
            await control.post("/stranger", json={"seconds": 3, "seed": self.chance.randrange(1000), "first": 200})
            while self.raging():
                await asyncio.sleep(self.chance.uniform(2, 8))
                self.faults["outsider"] += 1
                await self._meddle(control)
            await control.request("DELETE", "/stranger")

    async def _meddle(self, control: httpx.AsyncClient) -> None:
        """Takes the next number of our range, or switches a guest of ours."""
        rows = (await control.get("/vms")).json()["vms"]
        ours = [row for row in rows if row["vmid"] >= FIRST_VMID and MARK.search(row["config"].get("description", ""))]
        if not ours or self.chance.random() < 0.4:
            highest = max((row["vmid"] for row in rows), default=0)
            vmid = max(highest, FIRST_VMID - 1) + self.chance.randint(1, 3)
            await control.put(f"/vms/{vmid}", json={"name": "stranger", "node": "pve1"})
        else:
            power = self.chance.choice(("start", "stop"))
            await control.post(f"/vms/{self.chance.choice(ours)['vmid']}", json={"power": power})

    # After it

    async def calm(self, store: EventStore) -> list[Server]:
        """The weather is fine, staff unlock what dead workers left; wait until everything has ended."""
        async with self.place.control() as control:
            await control.request("DELETE", "/faults")
            for n in range(1, NODES + 1):
                await control.post(f"/nodes/pve{n}", json={"state": "up"})
            for program in self.place.programs.values():
                if not program.alive():
                    program.start()
            end = time.monotonic() + CALM_SECONDS
            while time.monotonic() < end:
                servers = await states(store)
                if not any(_goes_on(server) for server in servers):
                    break
                await self._unlock(control)
                await asyncio.sleep(2)
            await asyncio.sleep(10)  # the observers have looked
            return await states(store)

    async def _unlock(self, control: httpx.AsyncClient) -> None:
        tasks = (await control.get("/tasks")).json()
        for row in (await control.get("/vms")).json()["vms"]:
            busy = any(f":{row['vmid']}:" in upid or "qmclone" in upid for upid in tasks)
            if row["lock"] not in (None, "clone") and not busy:
                await control.post(f"/vms/{row['vmid']}", json={"delete": ["lock"]})


def _goes_on(server: Server) -> bool:
    current = server.current
    return server.purge_at is not None or (current is not None and current.status != "needs_attention")


async def states(store: EventStore) -> list[Server]:
    """Every server as its events make it."""
    rows = await store.pool.fetch("SELECT DISTINCT stream_id FROM event WHERE type = 'server.requested'")
    folded = [fold(None, await store.read_stream(row["stream_id"])) for row in rows]
    return [state for state in folded if state is not None]


async def examine(storm: Storm, store: EventStore, servers: list[Server]) -> dict[str, list[str]]:
    """What is broken, by the law that is."""
    async with storm.place.control() as control:
        seen = (await control.get("/vms")).json()
    vms = {row["vmid"]: row for row in seen["vms"]}
    found: dict[str, list[str]] = {law: [] for law in ("duplicates", "orphans", "lost", "stuck", "wrong_state")}
    marks = {vmid: mark[1] for vmid, row in vms.items() if (mark := MARK.search(row["config"].get("description", "")))}
    found["duplicates"] = [f"{n} guests of {mark}" for mark, n in Counter(marks.values()).items() if n > 1]
    known = {server.vmid for server in servers if not server.destroyed}
    found["orphans"] = [f"guest {vmid}" for vmid in marks if vmid not in known]
    found["orphans"] += [f"volume {volume}" for volume in set(seen["orphan_volumes"]) - _archives(servers)]
    _compare_snippets(storm, vms.values(), servers, found)
    for server in servers:
        _compare(server, vms.get(server.vmid or 0), found)
    streams = {server.id.hex for server in servers}
    found["lost"] += [f"order {id}" for id in storm.ordered if _hex(ids.SERVER, id) not in streams]
    asked = await store.pool.fetch("SELECT operation_id FROM operation_stream")
    operations = {row["operation_id"].hex for row in asked}
    found["lost"] += [f"operation {id}" for id in storm.accepted if _hex(ids.OPERATION, id) not in operations]
    return found


def _compare_snippets(
    storm: Storm, rows: Iterable[dict[str, Any]], servers: list[Server], found: dict[str, list[str]]
) -> None:
    """A file of user data is there while a guest names it, or an operation waits for staff."""
    files = {path.name for path in storm.place.snippets.iterdir()}
    named = {text.rpartition("/")[2] for row in rows if (text := row["config"].get("cicustom"))}
    waiting = {f"hostler-{server.id.hex}.yaml" for server in servers if server.current is not None}
    found["orphans"] += [f"file {name}" for name in sorted(files - named - waiting)]
    found["lost"] += [f"file {name}" for name in sorted(named - files)]


def _archives(servers: list[Server]) -> set[str]:
    """Backups are files that belong to no guest: the log knows whose they are."""
    return {backup.volume for server in servers if not server.destroyed for backup in server.backups}


def _hex(prefix: str, text: str) -> str:
    id = ids.parse(prefix, text)
    return id.hex if isinstance(id, UUID) else ""


def _compare(server: Server, row: dict[str, Any] | None, found: dict[str, list[str]]) -> None:
    name = f"server {server.id.hex} ({server.vmid})"
    if _goes_on(server):
        operation = server.current
        found["stuck"].append(f"{name}: {operation and (operation.type, operation.step)}")
        return
    if server.destroyed or server.identity is None:
        return
    if row is None or (row["uuid"] or "").lower() != (server.identity.smbios_uuid or "").lower():
        found["lost"].append(name)
    elif server.current is None and not server.drift and row["running"] != (server.power == "running"):
        found["wrong_state"].append(f"{name}: log {server.power}, running {row['running']}")


async def measure(place: Storming, seed: int, servers: int, minutes: float) -> dict[str, Any]:
    """One storm; the figures."""
    storm = Storm(place, seed, servers, minutes * 60)
    await storm.rage()
    pool = await open_pool(place.database_url)
    try:
        store = EventStore(pool, Codec(EVENTS))
        left = await storm.calm(store)
        found = await examine(storm, store, left)
    finally:
        pool.terminate()
    for law, cases in found.items():
        for case in cases:
            print(f"{law}: {case}", file=sys.stderr)
    newest = [server.operation for server in left if server.operation is not None]
    ends = Counter(f"{o.type} {o.status} {o.error.code if o.error else ''}".strip() for o in newest)
    print(json.dumps({"servers": len(left), "newest_operations": ends}))
    return {"operations": len(storm.accepted), "faults": storm.faults} | {
        law: len(cases) for law, cases in found.items()
    }


def main() -> int:
    """1 when a law was broken."""
    parser = argparse.ArgumentParser(description="A seeded storm against the Proxmox testbed.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--servers", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    shared = options.seed % 2 == 1  # the other half of the seeds has a storage on each node
    with storming(orchestrators=ORCHESTRATORS, nodes=NODES, customers=CUSTOMERS, shared=shared) as place:
        figures = asyncio.run(measure(place, options.seed, options.servers, options.minutes))
    print(json.dumps(figures), flush=True)
    laws = ("duplicates", "orphans", "lost", "stuck", "wrong_state")
    return 1 if any(figures[law] for law in laws) else 0


if __name__ == "__main__":
    sys.exit(main())
