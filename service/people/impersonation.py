"""Staff act as a customer for some minutes: they are told, it is recorded, and how they sign in stays out of reach."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.events import UserImpersonated
from eventstore.database import Connection
from runtime.ids import new_id
from service.deps import caller, deps
from service.identity.auth import host
from service.identity.step_up import recently_proved
from service.identity.writing import user_event
from service.mail import letters
from service.past.words import WORDS
from service.people.models import Why
from service.people.statements import SQL
from service.people.users import end_impersonations, named_user, represent_user
from service.servers import history
from service.web import paging
from service.web.body import body, query
from service.web.models import PageQuery
from service.web.problems import Problem
from service.web.reply import reply

SECONDS = 900
LONGEST_AGENT = 300
ORDER = "my_history"


async def begin(req: Request) -> Response:
    """Act as a customer for fifteen minutes; what is done is recorded as done by staff in their name."""
    user, why = await named_user(req), await body(req, Why)
    await recently_proved(req)
    if user.role != "customer" or not user.may_sign_in:
        raise Problem("not_allowed", "Only a customer who may sign in can be acted for.")
    d, staff, session = deps(req), caller(req).user_id, new_id()
    agent = req.headers.get("user-agent", "")[:LONGEST_AGENT]

    async def claims(connection: Connection) -> None:
        await connection.execute(SQL.impersonate, session, user.id, float(SECONDS), host(req.scope), agent, staff)
        await d.post.keep(connection, letters.impersonated(user.email, SECONDS // 60))

    await user_event(req, UserImpersonated(session_id=session, reason=why.reason), claims, user.id)
    shown = {
        "access_token": d.tokens.sign(user.id, user.role, session, behind=staff, seconds=SECONDS),
        "token_type": "Bearer",
        "expires_in": SECONDS,
        "session": ids.show(ids.SESSION, session),
        "user": represent_user(user),
    }
    return reply(shown, 201)


async def finish(req: Request) -> Response:
    """Act as a customer no longer, at once."""
    user = await named_user(req)
    await end_impersonations(req, caller(req).user_id, user.id)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def my_history(req: Request) -> Response:
    """What happened to the signed-in user: how they sign in, and when staff acted as them."""
    asked, me, d = query(req, PageQuery), caller(req), deps(req)
    before, _ = paging.parse(asked.cursor, ORDER, paging.number)
    records = await d.reads.history(me.user_id, before, (), asked.limit + 1)
    people = await d.reads.people(history.people_of(records))
    shown = paging.page(
        records,
        asked.limit,
        lambda record: history.entry(record, people, {}, staff=False, words=WORDS, prefix=ids.USER),
        lambda record: paging.cursor(ORDER, record.version),
    )
    return reply(shown)
