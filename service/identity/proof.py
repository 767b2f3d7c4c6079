"""Proving again who one is, before what a borrowed browser must not do."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from runtime import passwords
from service.deps import Deps, caller, deps
from service.identity import two_factor
from service.identity.models import Proof
from service.identity.statements import SQL
from service.identity.throttle import Throttle
from service.web.body import body
from service.web.problems import Problem


async def prove(req: Request) -> Response:
    """Prove again who you are: what needs it may be done for ten minutes."""
    given, me, d = await body(req, Proof), caller(req), deps(req)
    await right_password(req, given.password)
    if await two_factor.confirmed(d, me.user_id):
        await two_factor.check(req, me.user_id, given.otp)
    await d.store.pool.execute(SQL.proved, me.session_id)
    return Response(status_code=204)


async def right_password(req: Request, password: str) -> None:
    """Refuse a wrong password of the signed-in user; guesses are slowed down as at the sign-in.

    Raises:
        Problem: `invalid_credentials`, or `rate_limited`.
    """
    d, me = deps(req), caller(req)
    throttle = Throttle(d, me.user_id.hex, req)
    async with d.hashing:
        await throttle.check()
        if not await _is_right(d, me.user_id, password):
            await throttle.failed()
            raise Problem("invalid_credentials", "The password is wrong.")
    await throttle.forgive()


async def _is_right(d: Deps, user_id: object, password: str) -> bool:
    row = await d.store.pool.fetchrow(SQL.credential_by_id, user_id)
    return row is not None and await asyncio.to_thread(passwords.verify, row["scheme"], row["hash"], password)
