"""A hypervisor without a hypervisor: the port over a world in memory, with the accidents that networks have.

It is held to the same suite as the adapter to Proxmox. Any number of them may share one world, as several
orchestrators share one cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from hypervisor import fake_copies, texts, wire
from hypervisor.errors import (
    AgentSilent,
    Ambiguous,
    Busy,
    Denied,
    HypervisorError,
    Invalid,
    Refused,
    Unreachable,
)
from hypervisor.fake_screen import FakeScreen
from hypervisor.fake_world import FakeGuest, FakeTask, FakeWorld, digest_of
from hypervisor.port import (
    BackupVolume,
    Console,
    GuestAddress,
    GuestConfig,
    GuestFirewall,
    GuestRow,
    GuestSettings,
    GuestSnapshot,
    GuestStatus,
    IpConfig,
    Nic,
    Node,
    Sample,
    StorageRow,
    Task,
    Timeframe,
    Uplink,
)

T = TypeVar("T")


class Accident(enum.Enum):
    """What befalls a call. A read that is lost is Unreachable, a lost change is Ambiguous."""

    LOST_BEFORE = "the request never arrived"
    LOST_AFTER = "the answer never arrived, the effect happened"
    LATE = "the answer never arrived, the effect happens at `deliver_late`"
    UNREACHABLE = "connection refused"
    BUSY = "a lock is held"
    DENIED = "a privilege is missing"
    REFUSED = "refused for a reason of its own"
    CRASH_BEFORE = "the caller dies before it sends"
    CRASH_AFTER = "the caller dies before it hears the answer"


class Crash(BaseException):
    """The calling process is gone; no `except Exception` gets to see it."""


class Call(NamedTuple):
    """A change that was asked for, whatever became of it."""

    verb: str
    vmid: int


@dataclass(slots=True)
class _Planned:
    verb: str
    accident: Accident
    vmid: int | None
    times: int


@dataclass(slots=True)
class FakeHypervisor:
    """Hypervisor over a FakeWorld. `calls` lists the changes asked for, in order."""

    world: FakeWorld
    cluster: str = "demo"
    calls: list[Call] = field(default_factory=list)
    _planned: list[_Planned] = field(default_factory=list)
    _late: list[Callable[[], object]] = field(default_factory=list)

    def plan(self, verb: str, accident: Accident, *, vmid: int | None = None, times: int = 1) -> None:
        """The next `times` calls of this verb (for this VMID: of a clone the new one) meet an accident."""
        self._planned.append(_Planned(verb, accident, vmid, times))

    def deliver_late(self) -> None:
        """Proxmox gets round to the requests whose callers have given up."""
        late, self._late = self._late, []
        for effect in late:
            with contextlib.suppress(HypervisorError):
                effect()

    async def version(self) -> str:
        return await self._read("version", 0, lambda call: "8.4.21")

    async def quorate(self) -> bool:
        return await self._read("quorate", 0, lambda call: self.world.quorate)

    async def nodes(self) -> list[Node]:
        return await self._read("nodes", 0, lambda call: list(self.world.nodes.values()))

    async def guests(self) -> list[GuestRow]:
        rows = self.world.guests
        return await self._read("guests", 0, lambda call: [self._row(guest) for guest in rows.values()])

    async def vmid_taken(self, vmid: int) -> bool:
        return await self._read("vmid_taken", vmid, lambda call: vmid in self.world.guests)

    async def config(self, node: str, vmid: int) -> GuestConfig:
        return await self._read("config", vmid, lambda call: _config(self.world.find(node, vmid, call)))

    async def status(self, node: str, vmid: int) -> GuestStatus:
        return await self._read("status", vmid, lambda call: self._status(self.world.find(node, vmid, call)))

    async def addresses(self, node: str, vmid: int) -> list[GuestAddress]:
        return await self._read("addresses", vmid, lambda call: _ask_agent(self.world.find(node, vmid, call), call))

    async def volumes(self, node: str, storage: str, vmid: int) -> list[str]:
        return await self._read("volumes", vmid, lambda call: self._volumes(node, storage, vmid, call))

    async def mentions(self, node: str, vmid: int, volume: str) -> bool:
        find = self.world.find
        return await self._read(
            "mentions", vmid, lambda call: volume in fake_copies.named_volumes(find(node, vmid, call))
        )

    async def delete_volume(self, node: str, storage: str, volume: str) -> str | None:
        vmid = self.world.volumes.get(volume, 0)
        return await self._change(
            "delete_volume", node, vmid, lambda call: fake_copies.delete_volume(self.world, call, node, volume)
        )

    async def clone(
        self,
        node: str,
        template: int,
        vmid: int,
        *,
        name: str,
        description: str,
        full: bool,
        storage: str | None = None,
        pool: str | None = None,
        target: str | None = None,
    ) -> str:
        def effect(call: str) -> str:
            if storage and not full:
                raise Refused("parameter 'storage' not allowed for linked clones", call=call)
            if target and target != node and not self.world.shares(template):
                raise Refused(f"can't clone VM to node '{target}' (VM uses local storage)", call=call)
            names = {"name": name, "description": description}
            return self.world.clone(call, node, template, vmid, **names, full=full, target=target or node)

        return await self._change("clone", node, vmid, effect)

    async def configure(self, node: str, vmid: int, settings: GuestSettings, digest: str | None = None) -> None:
        if settings == GuestSettings():
            return
        find = self.world.find
        await self._change(
            "configure",
            node,
            vmid,
            lambda call: self.world.configure(call, find(node, vmid, call), settings, digest),
        )

    async def resize(self, node: str, vmid: int, disk: str, size_gib: int) -> str:
        find = self.world.find
        return await self._change(
            "resize", node, vmid, lambda call: self.world.resize(find(node, vmid, call), disk, size_gib)
        )

    async def ties(self, node: str, vmid: int) -> list[str]:
        return await self._read("ties", vmid, lambda call: self.world.ties(self.world.find(node, vmid, call)))

    async def migrate(self, node: str, vmid: int, target: str) -> str:
        find = self.world.find
        return await self._change(
            "migrate", node, vmid, lambda call: self.world.migrate(call, find(node, vmid, call), target)
        )

    async def start(self, node: str, vmid: int) -> str:
        return await self._change("start", node, vmid, lambda call: self.world.start(node, vmid))

    async def stop(self, node: str, vmid: int, *, overrule_shutdown: bool = False) -> str:
        return await self._change(
            "stop", node, vmid, lambda call: self.world.stop(node, vmid, overrule=overrule_shutdown)
        )

    async def shutdown(self, node: str, vmid: int, *, timeout_s: int, force: bool) -> str:
        return await self._change(
            "shutdown", node, vmid, lambda call: self.world.shutdown(call, node, vmid, force=force)
        )

    async def reboot(self, node: str, vmid: int) -> str:
        find = self.world.find
        return await self._change("reboot", node, vmid, lambda call: self.world.reboot(call, find(node, vmid, call)))

    async def reset(self, node: str, vmid: int) -> str:
        find = self.world.find
        return await self._change("reset", node, vmid, lambda call: self.world.reset(call, find(node, vmid, call)))

    async def destroy(self, node: str, vmid: int) -> str:
        find = self.world.find
        return await self._change("destroy", node, vmid, lambda call: self.world.destroy(call, find(node, vmid, call)))

    async def pending(self, node: str, vmid: int) -> frozenset[str]:
        return await self._read("pending", vmid, lambda call: _pending(self.world.find(node, vmid, call)))

    async def snapshots(self, node: str, vmid: int) -> list[GuestSnapshot]:
        return await self._read("snapshots", vmid, lambda call: _snapshots(self.world.find(node, vmid, call)))

    async def take_snapshot(
        self, node: str, vmid: int, name: str, *, description: str = "", memory: bool = False
    ) -> str:
        return await self._on_guest(
            "take_snapshot",
            node,
            vmid,
            lambda call, guest: fake_copies.take_snapshot(self.world, call, guest, name, description, memory),
        )

    async def roll_back(self, node: str, vmid: int, name: str) -> str:
        return await self._on_guest(
            "roll_back", node, vmid, lambda call, guest: fake_copies.roll_back(self.world, call, guest, name)
        )

    async def delete_snapshot(self, node: str, vmid: int, name: str) -> str:
        return await self._on_guest(
            "delete_snapshot",
            node,
            vmid,
            lambda call, guest: fake_copies.delete_snapshot(self.world, call, guest, name),
        )

    async def backups(self, node: str, storage: str, vmid: int) -> list[BackupVolume]:
        return await self._read(
            "backups", vmid, lambda call: fake_copies.backups(self.world, call, node, storage, vmid)
        )

    async def take_backup(self, node: str, vmid: int, *, storage: str, notes: str) -> str:
        return await self._change(
            "take_backup",
            node,
            vmid,
            lambda call: fake_copies.take_backup(self.world, call, node, vmid, storage, notes),
        )

    async def archive(self, upid: str, storage: str) -> str | None:
        return texts.archive(await self.task_log(upid), storage)

    async def restore_backup(self, node: str, vmid: int, *, volume: str, storage: str) -> str:
        return await self._change(
            "restore_backup",
            node,
            vmid,
            lambda call: fake_copies.restore_backup(self.world, call, node, vmid, volume, storage),
        )

    async def delete_backup(self, node: str, storage: str, volume: str) -> str | None:
        backup = self.world.backups.get(volume)
        vmid = backup.volume.vmid if backup else 0
        return await self._change(
            "delete_backup",
            node,
            vmid,
            lambda call: fake_copies.delete_backup(self.world, call, node, storage, volume),
        )

    async def reimage(self, node: str, vmid: int, *, disk: str, source: str, storage: str) -> str:
        return await self._on_guest(
            "reimage",
            node,
            vmid,
            lambda call, guest: fake_copies.reimage(self.world, call, guest, disk, source, storage),
        )

    async def drop_unused(self, node: str, vmid: int, volumes: frozenset[str]) -> None:
        await self._on_guest(
            "drop_unused", node, vmid, lambda call, guest: fake_copies.drop_unused(self.world, call, guest, volumes)
        )

    async def set_password(self, node: str, vmid: int, user: str, password: str) -> None:
        await self._on_guest(
            "set_password",
            node,
            vmid,
            lambda call, guest: fake_copies.set_password(self.world, call, guest, user, password),
        )

    async def refresh_cloudinit(self, node: str, vmid: int) -> None:
        await self._on_guest(
            "refresh_cloudinit", node, vmid, lambda call, guest: fake_copies.refresh_cloudinit(guest, call)
        )

    async def firewall(self, node: str, vmid: int) -> GuestFirewall:
        return await self._read("firewall", vmid, lambda call: self.world.find(node, vmid, call).firewall)

    async def set_firewall(self, node: str, vmid: int, *, allowed: Mapping[str, frozenset[str]]) -> None:
        await self._on_guest(
            "set_firewall", node, vmid, lambda call, guest: fake_copies.set_firewall(guest, call, allowed)
        )

    async def series(self, node: str, vmid: int, timeframe: Timeframe) -> list[Sample]:
        def read(call: str) -> list[Sample]:
            self.world.reach(node, call)
            guest = self.world.guests.get(vmid)
            return list(guest.measured) if guest else []

        return await self._read("series", vmid, read)

    async def console(self, node: str, vmid: int) -> Console:
        def show(call: str) -> FakeScreen:
            guest = self.world.find(node, vmid, call)
            if guest.power == "stopped":
                raise Unreachable("the connection was closed", call=call)
            return guest.new_screen()

        return await self._read("console", vmid, show)

    async def storages(self, node: str) -> list[StorageRow]:
        def read(call: str) -> list[StorageRow]:
            self.world.reach(node, call)
            return list(self.world.storages.values())

        return await self._read("storages", 0, read)

    async def abort_task(self, upid: str) -> None:
        _check_upid(upid)
        parts = wire.upid_of(upid)
        assert parts is not None
        await self._change("abort_task", parts.node, 0, lambda call: self.world.interrupt(upid))

    async def task(self, upid: str) -> Task:
        _check_upid(upid)
        return await self._read("task", 0, lambda call: _task(self.world.look(upid, call)))

    async def task_log(self, upid: str, limit: int = 500) -> list[str]:
        _check_upid(upid)
        return await self._read("task_log", 0, lambda call: self.world.look(upid, call).log[:limit])

    async def tasks(
        self, node: str, *, vmid: int | None = None, kind: str | None = None, since: int | None = None
    ) -> list[Task]:
        def read(call: str) -> list[Task]:
            self.world.reach(node, call)
            tasks = [_task(task) for task in reversed(self.world.tasks.values()) if task.node == node]
            return [
                t for t in tasks if vmid in {None, t.vmid} and kind in {None, t.kind} and t.started_at >= (since or 0)
            ]

        return await self._read("tasks", vmid or 0, read)

    async def server_time(self) -> int | None:
        return self.world.now

    async def close(self) -> None:
        return None

    async def _on_guest(self, verb: str, node: str, vmid: int, effect: Callable[[str, FakeGuest], T]) -> T:
        return await self._change(verb, node, vmid, lambda call: effect(call, self.world.find(node, vmid, call)))

    async def _read(self, verb: str, vmid: int, read: Callable[[str], T]) -> T:
        call = f"{verb} {vmid or ''}".strip()
        await asyncio.sleep(0)
        match self._accident(verb, vmid):
            case Accident.LOST_BEFORE | Accident.LOST_AFTER | Accident.LATE:
                raise Unreachable("Read timed out", call=call)
            case Accident.CRASH_AFTER:
                read(call)
                raise Crash(call)
            case None:
                return read(call)
            case accident:
                raise _refusal(accident, call)

    async def _change(self, verb: str, node: str, vmid: int, effect: Callable[[str], T]) -> T:
        call = f"{verb} {vmid}"
        await asyncio.sleep(0)
        accident = self._accident(verb, vmid)
        if accident is not Accident.CRASH_BEFORE:
            self.calls.append(Call(verb, vmid))
        match accident:
            case Accident.LOST_BEFORE:
                raise Ambiguous("Read timed out", call=call)
            case Accident.LATE:
                self._late.append(lambda: self._reached(node, call, effect))
                raise Ambiguous("Connection timed out", call=call)
            case Accident.LOST_AFTER | Accident.CRASH_AFTER:
                with contextlib.suppress(HypervisorError):
                    self._reached(node, call, effect)
                raise (Crash(call) if accident is Accident.CRASH_AFTER else Ambiguous("Connection reset", call=call))
            case None:
                return self._reached(node, call, effect)
        raise _refusal(accident, call)

    def _reached(self, node: str, call: str, effect: Callable[[str], T]) -> T:
        self.world.reach(node, call)
        return effect(call)

    def _accident(self, verb: str, vmid: int) -> Accident | None:
        for planned in self._planned:
            if planned.verb == verb and planned.vmid in {None, vmid} and planned.times > 0:
                planned.times -= 1
                return planned.accident
        return None

    def _row(self, guest: FakeGuest) -> GuestRow:
        return GuestRow(
            vmid=guest.vmid,
            node=guest.node,
            kind=guest.kind,
            name=None if guest.fresh else guest.name,
            status="unknown" if guest.fresh else guest.power,
            lock=guest.lock,
            template=guest.template and not guest.fresh,
            tags=guest.tags,
            memory_mib=0 if guest.fresh else guest.memory_mib,
            cores=0 if guest.fresh else guest.cores,
            uptime_s=0 if guest.fresh else self._uptime(guest),
        )

    def _uptime(self, guest: FakeGuest) -> int:
        return 0 if guest.pid is None else self.world.now - guest.started_at

    def _status(self, guest: FakeGuest) -> GuestStatus:
        return GuestStatus(guest.power, guest.lock, self._uptime(guest), guest.pid, guest.agent_enabled)

    def _volumes(self, node: str, storage: str, vmid: int, call: str) -> list[str]:
        self.world.reach(node, call)
        if storage not in self.world.storages:
            raise Refused(f"storage '{storage}' does not exist", call=call)
        return sorted(
            volume for volume, owner in self.world.volumes.items() if owner == vmid and volume.startswith(storage)
        )


def _refusal(accident: Accident, call: str) -> BaseException:
    match accident:
        case Accident.BUSY:
            return Busy("can't lock file '/var/lock/qemu-server/lock.conf' - got timeout", call=call)
        case Accident.DENIED:
            return Denied("Permission check failed", call=call)
        case Accident.REFUSED:
            return Refused("refused by plan", call=call)
        case Accident.CRASH_BEFORE:
            return Crash(call)
    return Unreachable("Connection refused", call=call)


def _nic(guest: FakeGuest, card: str, mac: str) -> Nic:
    uplink = guest.uplinks.get(card, Uplink("vmbr0"))
    return Nic(mac, uplink.bridge, card in guest.filtered, uplink.vlan)


def _config(guest: FakeGuest) -> GuestConfig:
    return GuestConfig(
        vmid=guest.vmid,
        node=guest.node,
        name=guest.name,
        description=guest.description,
        smbios_uuid=guest.smbios_uuid,
        macs=dict(guest.macs),
        volumes=dict(guest.volumes),
        disk_gib=dict(guest.disk_gib),
        cores=guest.cores,
        memory_mib=guest.memory_mib,
        lock=guest.lock,
        digest=digest_of(guest),
        ipconfig=dict(guest.ipconfig),
        template=guest.template,
        tags=guest.tags,
        protection=guest.protection,
        agent_enabled=guest.agent_enabled,
        cloudinit_drive=guest.cloudinit_drive,
        nics={card: _nic(guest, card, mac) for card, mac in guest.macs.items()},
        unused=dict(guest.unused),
        vendor_data=guest.vendor_data or None,
    )


def _pending(guest: FakeGuest) -> frozenset[str]:
    if guest.power == "stopped":
        return frozenset()
    now = {"cores": guest.cores, "memory": guest.memory_mib}
    return frozenset(name for name, booted in zip(now, guest.booted, strict=True) if booted != now[name])


def _snapshots(guest: FakeGuest) -> list[GuestSnapshot]:
    return [fake_copies.shown(snapshot) for snapshot in guest.snapshots.values()]


def _ask_agent(guest: FakeGuest, call: str) -> list[GuestAddress]:
    if not guest.agent_enabled:
        raise AgentSilent("No QEMU guest agent configured", call=call)
    if guest.power == "stopped":
        raise AgentSilent(f"VM {guest.vmid} is not running", call=call)
    if guest.silent > 0 or guest.power == "paused":
        guest.silent -= 1
        raise AgentSilent("QEMU guest agent is not running", call=call)
    return [address for card, ip in guest.booted_ipconfig.items() for address in _fixed(guest.macs.get(card, ""), ip)]


def _fixed(mac: str, config: IpConfig) -> list[GuestAddress]:
    fixed = [ipaddress.ip_interface(a) for a in (config.address, config.address6) if a and "/" in a]
    return [GuestAddress(mac, str(i.ip), i.network.prefixlen, 6 if i.version == 6 else 4) for i in fixed]


def _task(task: FakeTask) -> Task:
    return wire.task_of({"upid": task.upid, "status": task.exit_text, "endtime": task.ended_at})


def _check_upid(upid: str) -> None:
    if wire.upid_of(upid) is None:
        raise Invalid(f"{upid!r} is not a task id", call="GET task", fields={"upid": "unable to parse worker upid"})
