"""`Prefer: wait=N`: the answer to an accepted request comes when its operation has ended, or after so many seconds."""

from __future__ import annotations

import asyncio
import contextlib
import re
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.server import represent
from domain.server.state import Operation
from service.deps import Deps, caller, deps
from service.identity.tokens import Caller
from service.live.hub import Listener, Message
from service.reads import Found
from service.web.edge import LONGEST_WAIT
from service.web.idempotency import Stored
from service.web.reply import encode

GOING_ON = ("queued", "running")
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?=$|[,;\s])", re.IGNORECASE)


async def answered(req: Request, stored: Stored) -> Response:
    """The answer that was stored; where the caller prefers to wait, with the operation as it is after that."""
    seconds = preferred(req.headers.get("prefer", ""))
    if stored.status != 202 or not seconds:
        return stored.response()
    id = ids.parse(ids.OPERATION, stored.headers["Location"].rpartition("/")[2])
    assert id is not None
    found = await _ended(deps(req), caller(req), id, seconds)
    answer = (await _renewed(req, stored, *found) if found is not None else stored).response()
    answer.headers["Preference-Applied"] = f"wait={seconds}"
    return answer


def preferred(text: str) -> int:
    """How many seconds the caller would wait, at most the longest; 0 for not at all."""
    match = _WAIT.search(text)
    return min(int(match[1]), LONGEST_WAIT) if match else 0


async def _ended(d: Deps, who: Caller, id: UUID, seconds: int) -> tuple[Found, Operation] | None:
    """The operation and its server once it has ended, or as they are after so many seconds."""
    async with d.hub.listening(who) as listener:
        found = await d.reads.operation(id, who)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while _goes_on(found) and await _told_of_an_end(listener, id):
                    found = await d.reads.operation(id, who)
    return await d.reads.operation(id, who) if _goes_on(found) else found


def _goes_on(found: tuple[Found, Operation] | None) -> bool:
    return found is not None and found[1].status in GOING_ON


async def _told_of_an_end(listener: Listener, id: UUID) -> bool:
    """Wait until the operation is said to have ended; False when too much happens to follow, or the service stops."""
    while (message := await listener.queue.get()) is not None:
        if isinstance(message, Message) and message.status_of(id) not in (None, *GOING_ON):
            return True
    return False


async def _renewed(req: Request, stored: Stored, found: Found, operation: Operation) -> Stored:
    """The answer with everything in it as it is now."""
    answer, staff = msgspec.json.decode(stored.body), caller(req).staff
    answer["operation"] = represent.operation(operation, staff=staff)
    if "server" in answer:
        answer["server"] = represent.server(found.server, await deps(req).reads.sights(), staff=staff)
    return Stored(stored.status, stored.headers, encode(answer).decode())
