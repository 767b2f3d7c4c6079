"""Invitations to act for an account: sent by letter, listed while they wait, withdrawn."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.decide import ChangeMember, change_member, role_of
from domain.account.events import InvitationWithdrawn, MemberInvited
from domain.account.state import Account
from domain.errors import Refused
from domain.server import represent
from eventstore.database import Connection
from runtime.ids import new_id
from service.accounts.accounts import SQL, account_event, managed
from service.accounts.models import InvitationCreate
from service.deps import caller, deps
from service.identity.secret_hash import secret_hash
from service.identity.throttle import Throttle
from service.mail import letters
from service.web import paging, problems
from service.web.body import body, query
from service.web.models import PageQuery
from service.web.problems import Problem
from service.web.reply import reply

ORDER, DAYS, MOST = "invitations", 7, 50
PAGE = "/invitations/accept"


async def list_invitations(req: Request) -> Response:
    """The invitations that wait, newest first."""
    account, asked = await managed(req), query(req, PageQuery)
    at, id = paging.parse(asked.cursor, ORDER, paging.moment)
    rows = await deps(req).store.pool.fetch(SQL.invitations, account.id, at, id, asked.limit + 1)
    return reply(paging.page(rows, asked.limit, _shown, _cursor))


async def invite(req: Request) -> Response:
    """Invite somebody by letter to act for the account; it replaces an earlier invitation of theirs."""
    account = await managed(req)
    asked, d = await body(req, InvitationCreate), deps(req)
    if not d.post.open:
        raise Problem("no_mail", "Nobody can be invited: this installation sends no letters.")
    email = asked.email.lower()
    _check_right(req, account, asked)
    await _check_many(req, account, email)
    id, token = new_id(), secrets.token_urlsafe(32)
    made: dict[str, Any] = {}

    async def claims(connection: Connection) -> None:
        who = caller(req)
        row = (id, account.id, email, asked.role, secret_hash(token), who.user_id, who.staff, DAYS * 86400.0)
        made.update(await connection.fetchrow(SQL.new_invitation, *row) or {})
        link = d.post.link(f"{PAGE}#{token}")
        await d.post.keep(connection, letters.invitation(email, account.name or "of a customer", link, DAYS))

    await account_event(req, account, MemberInvited(invitation_id=id, role=asked.role, email=email), claims)
    shown = {"invitation_id": id, "email": email, "role": asked.role, "invited_by": caller(req).user_id}
    return reply(_shown(shown | made), 201)


async def withdraw_invitation(req: Request) -> Response:
    """Withdraw an invitation; its letter opens nothing any more."""
    account = await managed(req)
    id = ids.parse(ids.INVITATION, req.path_params["invitation"])
    if id is None:
        raise Problem("not_found")

    async def claims(connection: Connection) -> None:
        if await connection.fetchval(SQL.end_invitation, id, account.id) is None:
            raise Problem("not_found")

    await account_event(req, account, InvitationWithdrawn(invitation_id=id), claims)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _check_right(req: Request, account: Account, asked: InvitationCreate) -> None:
    if account.status == "closed":
        raise Problem("not_allowed", "This account is closed.")
    by = None if caller(req).staff else role_of(account, caller(req).user_id)
    try:
        change_member(account, ChangeMember(user_id=new_id(), role=asked.role, by=by))
    except Refused as refused:
        raise problems.of(refused) from None


async def _check_many(req: Request, account: Account, email: str) -> None:
    """Nobody's box is filled from here, nor this list."""
    throttle = Throttle(deps(req), f"invite {email}", req)
    await throttle.check()
    if len(await deps(req).store.pool.fetch(SQL.invitations, account.id, None, None, MOST)) >= MOST:
        raise Problem("not_allowed", f"{MOST} invitations wait already: withdraw one first.")
    await throttle.failed()


def _shown(row: Any) -> dict[str, Any]:
    invited_by: UUID = row["invited_by"]
    return {
        "id": ids.show(ids.INVITATION, row["invitation_id"]),
        "object": "invitation",
        "email": row["email"],
        "role": row["role"],
        "invited_by": ids.show(ids.USER, invited_by),
        "created_at": represent.time(row["created_at"]),
        "expires_at": represent.time(row["expires_at"]),
    }


def _cursor(row: Any) -> str:
    return paging.cursor(ORDER, row["created_at"], row["invitation_id"])
