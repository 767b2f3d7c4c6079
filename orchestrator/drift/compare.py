"""What of a guest is not as the log has it. Pure: a server's state and what was read of its guest go in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from domain.server.drift import Finding
from domain.server.state import Server
from hypervisor.identity import identity_of, mismatch
from hypervisor.port import GuestConfig, GuestStatus
from orchestrator.steps.configure import boot_disk

# The kinds that a closer look at a guest finds, or finds gone.
KINDS = ("identity", "gone", "power", "renamed", "reconfigured", "lock")


@dataclass(frozen=True, slots=True)
class Seen:
    """A guest as it was read. `left`: its lock has been there for long, and no task explains it."""

    config: GuestConfig
    status: GuestStatus
    left: bool = False


def findings(server: Server, seen: Seen) -> list[Finding]:
    """The differences, one of a kind; nothing else is said of a guest that is another one."""
    why = mismatch(server, seen.config)
    if why is not None:
        facts = {"identity": asdict(identity_of(seen.config))}
        return [Finding(kind="identity", detail=f"Another guest, or other hardware: {why}", facts=facts)]
    found = (_power(server, seen), _name(server, seen.config), _size(server, seen.config), _lock(seen))
    return [finding for finding in found if finding is not None]


def _power(server: Server, seen: Seen) -> Finding | None:
    power = seen.status.power
    if power == server.power:
        return None
    detail = f"It is {power}, recorded is {server.power}."
    return Finding(kind="power", detail=detail, facts={"power": power})


def _name(server: Server, config: GuestConfig) -> Finding | None:
    """An imported guest keeps the name it was found with, which was never recorded."""
    if server.source is not None or config.name == server.name:
        return None
    return Finding(kind="renamed", detail="It has another name on the hypervisor.", personal={"name": config.name})


def _size(server: Server, config: GuestConfig) -> Finding | None:
    facts = dict(_sizes(server, config))
    cards = {card: nic.bridge for card, nic in config.nics.items()}
    placed = server.placement
    if placed is not None and cards and cards.get("net0") != placed.bridge:
        facts["bridge"] = cards.get("net0") or ""
    if not facts:
        return None
    said = ", ".join(f"{name} is {value}" for name, value in facts.items())
    return Finding(kind="reconfigured", detail=f"It is configured otherwise: {said}.", facts=dict(facts))


def _sizes(server: Server, config: GuestConfig) -> Iterator[tuple[str, int | str]]:
    disk = boot_disk(config)
    found = {"vcpus": config.cores, "memory_mib": config.memory_mib}
    if disk is not None:
        found["disk_gib"] = int(config.disk_gib[disk])
    plan = {"vcpus": server.plan.vcpus, "memory_mib": server.plan.memory_mib, "disk_gib": server.plan.disk_gib}
    wanted = server.actual or plan
    for name, value in found.items():
        if name in wanted and wanted[name] != value:
            yield name, value


def _lock(seen: Seen) -> Finding | None:
    if not seen.left or seen.status.lock is None:
        return None
    detail = f"It is locked ({seen.status.lock}) and no task of it runs: nothing can be done with it."
    return Finding(kind="lock", detail=detail, facts={"lock": seen.status.lock})
