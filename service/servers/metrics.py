"""What a server used, over time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from domain.server import represent
from hypervisor.errors import HypervisorError
from hypervisor.port import Sample
from service.deps import deps
from service.servers.guest import guest_of
from service.servers.models import MetricsQuery
from service.servers.writing import seen
from service.web.body import query
from service.web.problems import Problem
from service.web.reply import reply

AWAY = "What was measured cannot be read now; the server itself may be well."


async def show_metrics(req: Request) -> Response:
    """What a server used of its cores, memory, disk and network, as the hypervisor measured it."""
    found, asked, d = await seen(req), query(req, MetricsQuery), deps(req)

    async def ask() -> list[Sample]:
        hypervisor, guest = await guest_of(d, found.server)
        return await hypervisor.series(guest.node, guest.vmid, asked.timeframe)

    try:
        samples = await d.measured.series((found.server.id, asked.timeframe), ask)
    except HypervisorError:
        raise Problem("hypervisor_unreachable", AWAY, headers={"Retry-After": "5"}) from None
    step = samples[1].at - samples[0].at if len(samples) > 1 else None
    shown = [_shown(sample) for sample in samples]
    return reply({"object": "metrics", "timeframe": asked.timeframe, "step": step, "data": shown})


def _shown(sample: Sample) -> dict[str, Any]:
    return {
        "t": represent.time(datetime.fromtimestamp(sample.at, UTC)),
        "cpu": sample.cpu,
        "memory": sample.memory_bytes,
        "disk_read": sample.disk_read,
        "disk_write": sample.disk_write,
        "net_in": sample.net_in,
        "net_out": sample.net_out,
    }
