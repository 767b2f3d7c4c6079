"""Snapshots, backups, storages and the guest's firewall as Proxmox writes them, in our words.

Formats: pve-guest-common AbstractConfig.pm; pve-storage API2/Storage/Content.pm, API2/Storage/Status.pm; pve-firewall
API2/Firewall/VM.pm, API2/Firewall/IPSet.pm.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypervisor.port import BackupVolume, GuestSnapshot, StorageRow
from hypervisor.wire import Wire

IP_FILTER = "ipfilter-"  # followed by the network card: the set of addresses that it may send from


def snapshots_of(rows: Iterable[Wire]) -> list[GuestSnapshot]:
    """Without the entry for the state that the guest is in."""
    found = [
        GuestSnapshot(
            name=row["name"],
            description=(row.get("description") or "").rstrip("\n"),
            taken_at=int(row["snaptime"]) if row.get("snaptime") else None,
            with_memory=bool(row.get("vmstate")),
            complete=not row.get("snapstate"),
        )
        for row in rows
        if row["name"] != "current"
    ]
    return sorted(found, key=lambda snapshot: (snapshot.taken_at or 0, snapshot.name))


def backups_of(rows: Iterable[Wire]) -> list[BackupVolume]:
    found = [
        BackupVolume(
            volume=row["volid"],
            vmid=int(row.get("vmid") or 0),
            size_bytes=int(row.get("size") or 0),
            made_at=int(row.get("ctime") or 0),
            notes=row.get("notes") or "",
            protected=bool(row.get("protected")),
        )
        for row in rows
        if row.get("content") == "backup"
    ]
    return sorted(found, key=lambda backup: (backup.made_at, backup.volume))


def storages_of(rows: Iterable[Wire]) -> list[StorageRow]:
    return [
        StorageRow(
            name=row["storage"],
            kind=row["type"],
            shared=bool(row.get("shared")),
            active=bool(row.get("active")),
            content=frozenset(row.get("content", "").split(",")) - {""},
            total_bytes=int(row.get("total") or 0),
            free_bytes=int(row.get("avail") or 0),
        )
        for row in rows
    ]


def pending_of(rows: Iterable[Wire]) -> frozenset[str]:
    return frozenset(row["key"] for row in rows if "pending" in row or row.get("delete"))


def filtered_cards(sets: Iterable[Wire]) -> list[str]:
    """The network cards for which there is a set of addresses."""
    names = (row["name"] for row in sets)
    return sorted(name.removeprefix(IP_FILTER) for name in names if name.startswith(IP_FILTER))


def addresses_of_set(rows: Iterable[Wire]) -> frozenset[str]:
    return frozenset(row["cidr"] for row in rows if not row.get("nomatch"))
