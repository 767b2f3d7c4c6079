"""Server-Sent Events: what happens to the servers that the caller may see, as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from uuid import UUID

from prometheus_client import Gauge
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from eventstore.database import FAILED
from eventstore.positions import PositionReset, parse, show
from service.deps import caller, deps
from service.identity.tokens import Caller
from service.live.hub import OPERATION_PART, Hub, Listener, Place, Reachability
from service.web.problems import Problem

HEARTBEAT_SECONDS = 15.0
STREAM, HEADERS = "text/event-stream", {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
# Says at once that the stream is open. The id that follows it on a new stream is no event: a reader only keeps it, so
# that it misses nothing when the connection breaks before the first event.
LISTENING = b": listening\n"


async def stream_events(req: Request) -> Response:
    """Changes of servers and operations the caller may see, as they happen."""
    d = deps(req)
    last = _last_seen(d.log_id, req.headers.get("last-event-id"))
    if req.method == "HEAD":  # has no body that could ever end
        return Response(headers=HEADERS, media_type=STREAM)
    stream = _stream(d.hub, d.log_id, caller(req), last)
    return StreamingResponse(_counted(d.metrics.streams, stream), headers=HEADERS, media_type=STREAM)


async def _counted(streams: Gauge, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with streams.track_inprogress():
        async for text in stream:
            yield text


def _last_seen(log_id: UUID, text: str | None) -> Place | None:
    if not text:
        return None
    try:
        return Place(*parse(log_id, text))
    except PositionReset:
        raise Problem("position_reset") from None


async def _stream(hub: Hub, log_id: UUID, caller: Caller, last: Place | None) -> AsyncIterator[bytes]:
    """What one caller is sent until the token expires, the session ends, or the caller goes."""
    with contextlib.suppress(*FAILED):
        async with hub.listening(caller) as listener:
            if last is None:
                last = Place(listener.start, OPERATION_PART)
                yield LISTENING + b"id: %b\n\n" % show(log_id, *last).encode()
            else:
                yield LISTENING + b"\n"
            async for message in hub.missed(last, listener.start):
                if await hub.may_see(caller, message):
                    yield message.text(staff=caller.staff)
            async for text in _live(hub, listener, max(last, Place(listener.start, OPERATION_PART))):
                yield text


async def _live(hub: Hub, listener: Listener, after: Place) -> AsyncIterator[bytes]:
    caller, check_at = listener.caller, time.monotonic() + HEARTBEAT_SECONDS
    while (left := caller.expires_at - time.time()) > 0:
        try:
            async with asyncio.timeout(min(left, max(check_at - time.monotonic(), 0))):
                message = await listener.queue.get()
        except TimeoutError:
            if not await hub.session_goes_on(caller):
                return
            check_at = time.monotonic() + HEARTBEAT_SECONDS
            yield b": still here\n\n"
            continue
        if message is None:
            return
        if isinstance(message, Reachability):
            yield message.text()
        elif message.place > after and await hub.may_see(caller, message):
            yield message.text(staff=caller.staff)
