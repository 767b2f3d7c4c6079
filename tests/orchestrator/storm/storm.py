"""A storm: people at work, programs killed and frozen, calls lost, strangers in between. The seed decides it all."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from hypervisor.fake import Accident
from hypervisor.fake_world import FakeGuest
from tests.orchestrator.storm import people
from tests.orchestrator.storm.installation import FIRST_VMID, Installation
from tests.orchestrator.storm.laws import Findings, Outsiders, examine, looks

BAD_SECONDS = 100.0  # how long the storm lasts
CALM_SECONDS = 3600.0  # how long everything may take to end after it
KINDS = (
    *("qmclone", "resize", "qmstart", "qmstop", "qmshutdown", "qmdestroy", "qmconfig", "qmsnapshot", "vzdump"),
    "qmigrate",
)
LOST = (Accident.LOST_BEFORE, Accident.LOST_AFTER, Accident.LATE, Accident.UNREACHABLE, Accident.BUSY)


@dataclass
class Report:
    """What a storm came to."""

    findings: Findings
    operations: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    trace: list[str] = field(default_factory=list)


class Storm:
    """One storm over an installation of its own."""

    def __init__(self, seed: int):
        self.installation = Installation(seed, nodes=1 + seed % 3, shared=bool(seed % 2), lasting=self._lasting)
        self.chance = self.installation.chance
        self.faults: Counter[str] = Counter()
        self.accepted: list[UUID] = []
        self.outsiders = Outsiders()
        self._raging = True
        self._risk = self.chance.choice((0.05, 0.15, 0.3))
        self._cuts = self.chance.choice((0.0, 0.01, 0.03))

    def run(self) -> Report:
        """Let it rage, let it calm down, look what is left."""
        report = Report(Findings())

        async def story() -> None:
            await self._rage()
            await self._calm()
            report.findings = examine(self.installation, self.accepted, self.outsiders)

        self.installation.run(story)
        report.operations, report.faults = len(self.accepted), self.faults
        report.seconds = self.installation.clock.time()
        for id, records in self.installation.tables.streams.items():
            report.trace += [f"{r.at.isoformat()} {id} {r.version} {r.event}" for r in records]
        for server in self.installation.servers():
            if (newest := server.operation) is not None:
                code = newest.error.code if newest.error else ""
                report.ends[f"{newest.type} {newest.status} {code}".strip()] += 1
        return report

    # The weather

    def _lasting(self, kind: str) -> float:
        return self.chance.choice((0.2, 1.0, 3.0, 12.0))

    def _befalls(self, verb: str, vmid: int, change: bool) -> Accident | None:
        if not self._raging or self.chance.random() >= (self._risk if change else self._risk / 10):
            return None
        accident = self.chance.choice(LOST) if change else Accident.UNREACHABLE
        self.faults[accident.name.lower()] += 1
        return accident

    def _folder_fails(self) -> bool:
        return self._raging and self.installation.some() and self.installation.some() and self._counted("folder")

    def _counted(self, fault: str) -> bool:
        self.faults[fault] += 1
        return True

    def _cut(self) -> str | None:
        if not self._raging or self.chance.random() >= self._cuts:
            return None
        self.faults["database_cut"] += 1
        return self.chance.choice(("before", "after"))

    async def _rage(self) -> None:
        installation = self.installation
        network = installation.network
        network.seconds = lambda: self.chance.choice((0.001, 0.01, 0.3))
        network.late_seconds = lambda: self.chance.uniform(5.0, 60.0)
        network.befalls = self._befalls
        installation.wire.cut = self._cut
        installation.folder_fails = self._folder_fails
        for _ in range(self.chance.randint(1, 3)):
            installation.start()
        everybody = [self._customer(n) for n in range(self.chance.randint(2, 5))]
        everybody += [self._reaper(), self._weather(), self._outsider()]
        async with asyncio.TaskGroup() as group:
            for one in everybody:
                group.create_task(one)

    def _time_left(self) -> bool:
        return self.installation.clock.time() < BAD_SECONDS

    async def _customer(self, n: int) -> None:
        """Orders a server, and then one thing after the other."""
        await asyncio.sleep(self.chance.uniform(0, 20))
        server = self.installation.create(f"web-{n}", user_data=self.installation.some())
        operation = self.installation.tables.server(server).operation
        assert operation is not None
        self.accepted.append(operation.id)
        while self._time_left():
            await asyncio.sleep(self.chance.choice((0.5, 5, 20)))
            asked = people.anything(self.installation, server, self.chance)
            if asked is not None:
                self.accepted.append(asked)

    async def _reaper(self) -> None:
        """Kills and freezes programs; others start in their place."""
        while self._time_left():
            await asyncio.sleep(self.chance.uniform(2, 30))
            process = self.chance.choice(self.installation.living())
            if self.chance.random() < 0.6:
                self.faults["killed"] += 1
                process.kill()
                await asyncio.sleep(self.chance.uniform(0, 3))
                self.installation.start()
            else:
                self.faults["frozen"] += 1
                process.freeze()
                await asyncio.sleep(self.chance.uniform(1, 40))
                process.thaw()

    async def _weather(self) -> None:
        """Nodes go away, the database goes away, workers of tasks die."""
        while self._time_left():
            await asyncio.sleep(self.chance.uniform(5, 40))
            what = self.chance.choice((self._node_away, self._database_away, self._task_killed))
            self.faults[what.__name__.strip("_")] += 1
            await what()

    async def _node_away(self) -> None:
        node = self.chance.choice(list(self.installation.world.nodes))
        self.installation.world.set_node(node, online=False)
        await asyncio.sleep(self.chance.uniform(1, 30))
        self.installation.world.set_node(node, online=True)

    async def _database_away(self) -> None:
        self.installation.wire.away = True
        await asyncio.sleep(self.chance.uniform(0.1, 20))
        self.installation.wire.away = False

    async def _task_killed(self) -> None:
        self.installation.world.kill_task(self.chance.choice(KINDS))

    async def _outsider(self) -> None:
        """Somebody else works on the same cluster."""
        while self._time_left():
            await asyncio.sleep(self.chance.uniform(3, 25))
            what = self.chance.choice((self._stranger, self._power, self._move, self._lock))
            self.faults[f"outsider{what.__name__}"] += 1
            await what()

    def _a_guest(self) -> FakeGuest | None:
        """A whole guest of ours that nothing goes on with."""
        world = self.installation.world
        free = [
            guest
            for guest in world.guests.values()
            if guest.vmid >= FIRST_VMID
            and guest.vmid not in self.outsiders.strangers
            and guest.lock is None
            and not world.held(guest.vmid)
        ]
        return self.chance.choice(free) if free else None

    async def _stranger(self) -> None:
        world = self.installation.world
        highest = max((vmid for vmid in world.guests if vmid >= FIRST_VMID), default=FIRST_VMID - 1)
        vmid = highest + self.chance.randint(1, 2)
        node = self.chance.choice(list(world.nodes))
        guest = world.add_guest(FakeGuest(vmid, node, name="stranger", power="running"))
        self.outsiders.strangers[vmid] = looks(guest)

    async def _power(self) -> None:
        guest = self._a_guest()
        if guest is not None:
            (self.installation.world.power_off if guest.power == "running" else self.installation.world.power_on)(guest)

    async def _move(self) -> None:
        guest = self._a_guest()
        if guest is not None:
            guest.node = self.chance.choice(list(self.installation.world.nodes))

    async def _lock(self) -> None:
        guest = self._a_guest()
        if guest is not None:
            guest.lock = "backup"
            await asyncio.sleep(self.chance.uniform(1, 30))
            guest.lock = None

    # After it

    async def _calm(self) -> None:
        """The weather is fine again, staff unlock what dead workers left, and all that was asked for ends."""
        self._raging = False
        self.installation.world._fates.clear()
        for process in self.installation.processes:
            process.thaw()
        await asyncio.sleep(60)  # what is late has come
        self.installation.world.unlock()
        await self.installation.quiet(CALM_SECONDS)
        await self.installation.observed()
