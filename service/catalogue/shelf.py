"""Plans, images and locations for staff: listed, made, changed, retired and offered again.

What is in hostler.toml is governed there, what came with an import by the import: here it is only shown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.catalogue.events import CatalogueEvent, Template
from domain.catalogue.state import Item, evolve
from domain.server import represent
from eventstore import snapshot
from eventstore.store import Conflict, Entry
from service.catalogue.models import DryRun, ImageNew, ItemsQuery, Reason
from service.catalogue.statements import SQL
from service.deps import caller, deps, meta
from service.servers.writing import wanted_version
from service.staff.clusters import staff_only
from service.web import paging
from service.web.body import body, query
from service.web.problems import Problem
from service.web.reply import reply, tagged

Check = Callable[[Request, dict[str, Any]], Awaitable[dict[str, Any]]]
Show = Callable[[Request, dict[str, Any]], dict[str, Any]]
ELSEWHERE = {
    "file": "This {kind} is in hostler.toml: change it there, then run hostler-admin apply-catalogue.",
    "import": "This {kind} came with an import, for the servers that have it: make one of your own.",
}
USED = "{n} orders of it have no place yet: take nothing away from where it is before they have."


@dataclass(frozen=True)
class Shelf:
    """The items of one kind. `places` are the fields that orders which have no place yet rely on."""

    kind: str
    prefix: str
    event: type[CatalogueEvent]
    new: type[BaseModel]
    change: type[BaseModel]
    check: Check
    show: Show
    places: Sequence[str] = ()

    async def list(self, req: Request) -> Response:
        """All of them, offered or retired, in the order in which they are offered."""
        staff_only(req)
        asked, d, order = query(req, ItemsQuery), deps(req), f"staff_{self.kind}"
        position, id = paging.parse(asked.cursor, order, _number)
        await d.reads.caught_up(caller(req).user_id)
        rows = await d.store.pool.fetch(SQL.staff_items, self.kind, asked.listed, position, id, asked.limit + 1)
        items = {row["item_id"]: snapshot.decode(Item, row["state"]) for row in rows}
        names = await _names(req, items.values())
        page = paging.page(
            rows,
            asked.limit,
            lambda row: self._shown(req, items[row["item_id"]], names),
            lambda row: paging.cursor(order, row["position"], row["item_id"]),
        )
        return reply(page)

    async def show_one(self, req: Request) -> Response:
        """One, with how many servers have it."""
        staff_only(req)
        return tagged(req, await self._detail(req, await self._found(req)))

    async def create(self, req: Request) -> Response:
        """Offer another. `dry_run` only says whether that is possible, and what it would be."""
        staff_only(req)
        asked, dry = await body(req, self.new), query(req, DryRun).dry_run
        plain = _plain(asked)
        id = ids.catalogue(self.kind, plain["key"])
        if await deps(req).store.read_stream(id):
            raise Problem("already_exists", f"There is a {self.kind} with this key already, perhaps a retired one.")
        if plain["position"] is None:
            plain["position"] = await self._last(req) + 1
        event = self._event(await self.check(req, plain | {"listed": True}))
        return await self._declare(req, id, 1, event, dry=dry, status=201)

    async def _last(self, req: Request) -> int:
        await deps(req).reads.caught_up(caller(req).user_id)
        position: int = await deps(req).store.pool.fetchval(SQL.last_position, self.kind)
        return position

    async def patch(self, req: Request) -> Response:
        """Change what is said; the servers that have it keep what they have. `dry_run` only says what it would be."""
        item = await self._own(req)
        asked, dry = await body(req, self.change), query(req, DryRun).dry_run
        given = {name: value for name, value in _plain(asked).items() if value is not None and name != "reason"}
        plain = item.declared | given
        if {*self.places, "user"} & given.keys():
            plain = await self.check(req, plain | _places(item, given))
            await self._check_waiting(req, item, plain)
        return await self._change(req, item, plain | {"reason": _plain(asked)["reason"]}, dry=dry)

    async def retire(self, req: Request) -> Response:
        """Offer it no more. Servers that have it keep it, orders that were accepted go on."""
        return await self._list_or_not(req, listed=False)

    async def restore(self, req: Request) -> Response:
        """Offer it again."""
        return await self._list_or_not(req, listed=True)

    async def _list_or_not(self, req: Request, *, listed: bool) -> Response:
        item = await self._own(req)
        asked, dry = await body(req, Reason), query(req, DryRun).dry_run
        plain = item.declared | {"listed": listed}
        if listed and not item.declared["listed"]:
            plain = await self.check(req, plain | _places(item, {}))
        return await self._change(req, item, plain | {"reason": asked.reason}, dry=dry)

    async def _change(self, req: Request, item: Item, plain: dict[str, Any], *, dry: bool) -> Response:
        same = all(plain[name] == value for name, value in item.declared.items() if name != "reason")
        if same and not dry:
            return tagged(req, await self._detail(req, item))
        return await self._declare(req, item.id, item.version + 1, self._event(plain), dry=dry)

    async def _declare(
        self, req: Request, id: UUID, version: int, event: CatalogueEvent, *, dry: bool, status: int = 200
    ) -> Response:
        d, why = deps(req), meta(req)
        if dry:
            now = await d.reads.now()
            would = Item(id=id, kind=self.kind, version=version, declared=asdict(event), at=now, actor=why.actor)
            return reply(await self._detail(req, would))
        try:
            d.reads.wrote(caller(req).user_id, await d.store.append([Entry(id, version, event, why, id)]))
        except Conflict:
            code = "version_mismatch" if wanted_version(req) is not None else "busy"
            raise Problem(code, headers={"Retry-After": "1"}) from None
        detail = await self._detail(req, await self._of(req, id))
        location = {"Location": f"/v1/admin/{self.kind}s/{detail['id']}"} if status == 201 else {}
        return reply(detail, status, location)

    async def _check_waiting(self, req: Request, item: Item, plain: dict[str, Any]) -> None:
        if all(_covers(plain[name], item.declared[name]) for name in self.places):
            return
        await deps(req).reads.caught_up(caller(req).user_id)
        row = await deps(req).store.pool.fetchrow(SQL.in_use, self.kind, item.id)
        if row is not None and row["waiting"]:
            raise Problem("not_allowed", USED.format(n=row["waiting"]))

    async def _own(self, req: Request) -> Item:
        """The item that the address names, for staff who may change it."""
        staff_only(req)
        item, wanted = await self._found(req), wanted_version(req)
        if item.declared["origin"] != "staff":
            raise Problem("not_allowed", ELSEWHERE[item.declared["origin"]].format(kind=self.kind))
        if wanted is not None and wanted != item.version:
            raise Problem("version_mismatch", f"The current version is {item.version}.")
        return item

    async def _found(self, req: Request) -> Item:
        id = ids.parse(self.prefix, req.path_params["id"])
        if id is None:
            raise Problem("not_found")
        return await self._of(req, id)

    async def _of(self, req: Request, id: UUID) -> Item:
        records = await deps(req).store.read_stream(id)
        if not records or not isinstance(records[-1].event, self.event):
            raise Problem("not_found")
        return evolve(records[-1])

    def _event(self, plain: dict[str, Any]) -> CatalogueEvent:
        known = {name: plain[name] for name in self.event.__slots__ if name in plain}
        if "templates" in known:
            known["templates"] = [Template(**place) for place in known["templates"]]
        return self.event(**known | {"origin": "staff"})

    async def _detail(self, req: Request, item: Item) -> dict[str, Any]:
        await deps(req).reads.caught_up(caller(req).user_id)
        row = await deps(req).store.pool.fetchrow(SQL.in_use, self.kind, item.id)
        assert row is not None
        return self._shown(req, item, await _names(req, [item])) | {"in_use": dict(row)}

    def _shown(self, req: Request, item: Item, names: dict[UUID, str]) -> dict[str, Any]:
        who = _person(item)
        by = {"id": ids.show(ids.USER, who), "name": names.get(who, "")} if who is not None else None
        said = ("key", "name", "position", "listed", "reason")
        return {
            "id": ids.show(self.prefix, item.id),
            "object": f"staff_{self.kind}",
            **{name: item.declared.get(name) for name in said},
            "origin": item.declared.get("origin", "file"),
            "version": item.version,
            "updated_at": represent.time(item.at),
            "updated_by": by,
            "in_use": None,
            **self.show(req, item.declared),
        }


def _plain(asked: BaseModel) -> dict[str, Any]:
    plain = asked.model_dump()
    if "default_user" in plain:
        plain["user"] = plain.pop("default_user")
    return plain | {"templates": plain["templates"] or []} if isinstance(asked, ImageNew) else plain


def _places(item: Item, given: dict[str, Any]) -> dict[str, Any]:
    """Where an image is copied from: what is given takes the place of what was; its own templates go by its key."""
    if {"template", "templates"} & given.keys():
        return {"template": given.get("template"), "templates": given.get("templates", [])}
    return {"template": None} if item.declared.get("templates") else {}


def _number(value: Any) -> int:
    if not isinstance(value, int) or abs(value) > 2**31 - 1:
        raise ValueError("no position")
    return value


def _covers(now: Any, before: Any) -> bool:
    """Whether nothing was taken away."""
    return all(part in now for part in before) if isinstance(before, list) else now == before


def _person(item: Item) -> UUID | None:
    return ids.parse(ids.USER, item.actor.person) if item.actor.type == "user" else None


async def _names(req: Request, items: Any) -> dict[UUID, str]:
    wanted = {who for item in items if (who := _person(item)) is not None}
    people = await deps(req).reads.people(wanted) if wanted else {}
    return {id: user.name or user.email for id, user in people.items()}
