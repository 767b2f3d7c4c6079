"""The public keys of access tokens, for programs that check who somebody is without asking here."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from service.deps import deps
from service.web.reply import reply

SECONDS = 60  # that they may be kept; whoever sees an unknown `kid` asks again


async def show(req: Request) -> Response:
    """The public keys of access tokens that hold: signatures tell who signed, not whether the session goes on."""
    headers = {"Cache-Control": f"public, max-age={SECONDS}"}
    return reply({"keys": deps(req).tokens.keys.published()}, headers=headers)
