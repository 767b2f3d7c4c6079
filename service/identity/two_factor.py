"""The second factor: time-based codes (RFC 6238), and recovery codes for when they are lost."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from uuid import UUID

import asyncpg
import pyotp
from starlette.requests import Request
from starlette.responses import Response

from domain.account.events import RecoveryCodeUsed, TwoFactorDisabled, TwoFactorEnabled
from eventstore.database import Connection
from eventstore.store import Conflict, Entry
from service.deps import Deps, caller, deps, meta_of
from service.identity.models import Code
from service.identity.secret_hash import secret_hash
from service.identity.statements import SQL
from service.identity.step_up import recently_proved
from service.identity.throttle import Throttle
from service.identity.writing import user_event
from service.web.body import body
from service.web.problems import Problem, invalid
from service.web.reply import reply

ISSUER = "Hostler"
STEP_SECONDS = 30
RECOVERY_CODES, RECOVERY_BYTES = 10, 10
WRONG = "The code is wrong, or was used before."


async def show(req: Request) -> Response:
    """Whether signing in takes a second factor, and how many recovery codes are left."""
    row = await _factor(deps(req), caller(req).user_id)
    on = row is not None and row["confirmed"]
    return reply(
        {"object": "two_factor", "enabled": on, "recovery_codes_left": row["recovery_codes_left"] if row and on else 0}
    )


async def offer(req: Request) -> Response:
    """A new secret for an authenticator app; it takes effect once a code of it is confirmed."""
    await recently_proved(req)
    d, me = deps(req), caller(req)
    user = await d.reads.user(me.user_id)
    secret = pyotp.random_base32()
    sealed = d.seal.seal(secret.encode(), _purpose(me.user_id))
    if user is None or await d.store.pool.fetchval(SQL.offer_second_factor, me.user_id, sealed) is None:
        raise Problem("not_allowed", "There is a second factor already: turn it off first.")
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)
    return reply({"object": "two_factor_offer", "secret": secret, "uri": uri}, 201)


async def confirm(req: Request) -> Response:
    """Turn the second factor on with its first code; the recovery codes are shown in this answer only."""
    await recently_proved(req)
    given, d, me = await body(req, Code), deps(req), caller(req)
    row = await _factor(d, me.user_id)
    if row is None or row["confirmed"]:
        raise Problem("not_allowed", "There is no secret to confirm: ask for one first.")
    throttle = Throttle(d, f"otp {me.user_id.hex}", req)
    await throttle.check()
    step = _step(_secret(d, me.user_id, row), given.otp)
    if step is None:
        await throttle.failed()
        raise invalid("/otp", WRONG)
    codes = _new_codes()

    async def claims(connection: Connection) -> None:
        if await connection.fetchval(SQL.confirm_second_factor, me.user_id, step) is None:
            raise Problem("not_allowed", "It was confirmed already.")
        await connection.execute(SQL.put_recovery_codes, me.user_id, [_hash(code) for code in codes])

    await user_event(req, TwoFactorEnabled(), claims)
    return reply({"object": "recovery_codes", "codes": codes})


async def renew_codes(req: Request) -> Response:
    """New recovery codes in place of the old; shown in this answer only."""
    await recently_proved(req)
    d, me = deps(req), caller(req)
    if not await confirmed(d, me.user_id):
        raise Problem("not_allowed", "There is no second factor.")
    codes = _new_codes()
    await d.store.pool.execute(SQL.put_recovery_codes, me.user_id, [_hash(code) for code in codes])
    return reply({"object": "recovery_codes", "codes": codes})


async def turn_off(req: Request) -> Response:
    """Turn the second factor off."""
    await recently_proved(req)
    me = caller(req)
    if not await confirmed(deps(req), me.user_id):
        raise Problem("not_found")

    async def claims(connection: Connection) -> None:
        await connection.fetchval(SQL.drop_second_factor, me.user_id)

    await user_event(req, TwoFactorDisabled(), claims)
    return Response(status_code=204)


async def confirmed(d: Deps, user_id: UUID) -> bool:
    """Whether signing in takes a code as well."""
    row = await _factor(d, user_id)
    return row is not None and bool(row["confirmed"])


async def check(req: Request, user_id: UUID, code: str | None) -> None:
    """Refuse unless the code, or a recovery code, is right and was not used before.

    Raises:
        Problem: `otp_required` without one, `invalid_credentials` for a wrong one, `rate_limited`.
    """
    d = deps(req)
    if not code:
        raise Problem("otp_required")
    throttle = Throttle(d, f"otp {user_id.hex}", req)
    await throttle.check()
    if not await _holds(req, user_id, code):
        await throttle.failed()
        raise Problem("invalid_credentials", WRONG)
    await throttle.forgive()


async def _holds(req: Request, user_id: UUID, code: str) -> bool:
    d, given = deps(req), code.strip().replace(" ", "")
    if given.isascii() and given.isdigit():
        row = await _factor(d, user_id)
        step = _step(_secret(d, user_id, row), given) if row is not None else None
        return step is not None and await d.store.pool.fetchval(SQL.use_step, user_id, step) is not None
    return await _recovered(req, user_id, given)


async def _recovered(req: Request, user_id: UUID, code: str) -> bool:
    """Use a recovery code up; the user's stream tells of it."""
    d = deps(req)
    if await d.store.pool.fetchval(SQL.use_recovery_code, user_id, _hash(code)) is None:
        return False
    row, user = await _factor(d, user_id), await d.reads.user(user_id)
    if row is not None and user is not None:
        event = RecoveryCodeUsed(left=row["recovery_codes_left"])
        try:
            await d.store.append([Entry(user_id, user.version + 1, event, meta_of(req, user_id))])
        except Conflict:
            return True  # the code is used up all the same
    return True


async def _factor(d: Deps, user_id: UUID) -> asyncpg.Record | None:
    return await d.store.pool.fetchrow(SQL.second_factor, user_id)


def _secret(d: Deps, user_id: UUID, row: asyncpg.Record) -> str:
    return d.seal.open(row["secret"], _purpose(user_id)).decode()


def _purpose(user_id: UUID) -> bytes:
    return b"two factor " + user_id.bytes


def _step(secret: str, code: str) -> int | None:
    """The time step whose code this is: now, one before, or one after."""
    now, totp = int(time.time()) // STEP_SECONDS, pyotp.TOTP(secret, interval=STEP_SECONDS)
    return next((step for step in (now, now - 1, now + 1) if hmac.compare_digest(totp.generate_otp(step), code)), None)


def _new_codes() -> list[str]:
    raw = (base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES))
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in raw]


def _hash(code: str) -> bytes:
    return secret_hash(code.lower().replace("-", ""))
