"""What Proxmox VE measured, in our words (qemu-server API2/Qemu.pm rrddata; PVE::RRD)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hypervisor.port import Sample


def samples_of(rows: Iterable[Mapping[str, Any]]) -> list[Sample]:
    """Rows as samples, oldest first: what was not measured is left out there, and None here."""
    return sorted((_sample(row) for row in rows), key=lambda sample: sample.at)


def _sample(row: Mapping[str, Any]) -> Sample:
    def of(name: str) -> float | None:
        value = row.get(name)
        return None if value is None else float(value)

    return Sample(
        at=int(row["time"]),
        cpu=of("cpu"),
        memory_bytes=of("mem"),
        disk_read=of("diskread"),
        disk_write=of("diskwrite"),
        net_in=of("netin"),
        net_out=of("netout"),
    )
