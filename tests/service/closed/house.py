"""An installation with somebody to steal from, and everybody who might try; every answer in it is watched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from domain.server import events as e
from runtime.ids import new_id
from service.identity.statements import SQL
from service.web.edge import SECURITY
from service.web.problems import MEDIA_TYPE
from tests.service.closed.document import GUARDED, OWN, Call, bodies
from tests.service.test_servers import running
from tests.service.world import Person, World

CANARY = "canary"  # in everything of the victim's that has a name
ID = re.compile(r"\b[a-z]{2,4}_[0-9a-f]{32}\b")
SHARED = ("pln_", "img_", "loc_", "clu_")
VOLATILE = re.compile(r'"(last_used_at|observed_at|seen_at)":("[^"]*"|null)')
SHOWN = sorted((call for call in OWN if call.method == "GET"), key=lambda call: len(call.places))
ORDER = {"plan": "small", "image": "debian-12", "location": "fra1"}


@dataclass
class Somebody:
    """A person, a client signed in as them, one id of each kind of what they have, and where they are shown it."""

    person: Person
    client: httpx.AsyncClient
    ids: dict[str, str] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)

    def tuples(self, call: Call) -> list[tuple[str, ...]]:
        """The ways to fill the places of an address with what they have: anything in the last one, and before it what
        they are shown something below.
        """
        if not call.places:
            return [()]
        return [(*above, id) for above in self.above(call) for id in self.ids.values()]

    def above(self, call: Call) -> list[tuple[str, ...]]:
        """The ways to fill all places but the last."""
        if len(call.places) < 2:
            return [()]
        upper = Call("GET", call.path.rpartition("/{")[0], {})
        return [values for values in self.tuples(upper) if upper.at(*values) in self.shown]


class House:
    """People, what they have, and what was wrong with any answer."""

    def __init__(self, world: World):
        self.world = world
        self.wrong: list[str] = []

    def client(self, token: str | None) -> httpx.AsyncClient:
        """A client whose answers are watched."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        client = self.world.anonymous(Origin="https://evil.example", **headers)
        client.event_hooks["response"] = [self._watch]
        return client

    async def somebody(self, name: str, *, staff: bool = False) -> Somebody:
        """Somebody who has proved who they are this minute."""
        person = await self.world.person(f"{name}@example.com", role="admin" if staff else "customer")
        token = await self.world.token(person)
        await self.world.store.pool.execute(SQL.proved, self.world.deps.tokens.verify(token).session_id)
        return Somebody(person, self.client(token))

    async def owner(self, name: str) -> Somebody:
        """Somebody who has one of everything."""
        who = await self.somebody(name)
        server = await running(self.world, who.client, {**ORDER, "name": name, "labels": {name: name}})
        await self._copies(server, name)
        for depth in range(3):
            await self._look_around(who)
            await self._make(who, depth)
        await self.world.project()
        await self._look_around(who)
        return who

    async def _make(self, who: Somebody, depth: int) -> None:
        """One of everything that can be made below so many places."""
        for call in [call for call in OWN if call.makes and len(call.places) == depth]:
            body = _named(bodies(call.body)[0], who.person.email.partition("@")[0]) if call.body else None
            for values in who.tuples(call):
                await who.client.post(call.at(*values), json=body)

    async def _copies(self, server: str, name: str) -> None:
        snapshot = e.SnapshotTaken(operation_id=new_id(), snapshot_id=new_id(), key="h1", name=name)
        backup = e.BackupTaken(
            operation_id=new_id(), backup_id=new_id(), storage="backups", volume="v", size_bytes=7, name=name
        )
        await self.world.append(server, snapshot, backup)

    async def _look_around(self, who: Somebody) -> None:
        """Note one id of each kind that they are shown, and where they are shown anything."""
        for call in SHOWN:
            for path in [call.at(*values) for values in who.tuples(call)]:
                if path not in who.hidden:
                    await self._look(who, path)

    async def _look(self, who: Somebody, path: str) -> None:
        answer = await who.client.get(path)
        (who.shown if answer.status_code == 200 else who.hidden).add(path)
        for id in ID.findall(answer.text if answer.status_code == 200 else ""):
            if not id.startswith(SHARED):
                who.ids.setdefault(id.partition("_")[0], id)

    async def seen_by(self, who: Somebody) -> dict[str, str]:
        """All that somebody is shown of what they have."""
        return {path: VOLATILE.sub("", (await who.client.get(path)).text) for path in sorted(who.shown)}

    async def _watch(self, answer: httpx.Response) -> None:
        await answer.aread()
        place = f"{answer.request.method} {answer.request.url.raw_path.decode()[:200]} {answer.status_code}"
        self.wrong += [f"{place}: {what}" for what in oddities(answer)]


def oddities(answer: httpx.Response) -> Iterator[str]:
    """What must hold for every answer, whoever asked for whatever."""
    if answer.status_code >= 500 and answer.status_code != 503:
        yield "failed"
    if answer.status_code >= 400 and answer.headers["content-type"] != MEDIA_TYPE and answer.url.path != "/readyz":
        yield "no problem"
    if any(name.startswith("access-control-") for name in answer.headers):
        yield "open to other sites"
    if not answer.headers.get("location", "/v1/").startswith("/v1/"):
        yield "leads elsewhere"
    if set(answer.headers) & {"x-evil", "set-cookie2"} or any(
        "\n" in value or "\r" in value for value in answer.headers.values()
    ):
        yield "headers by somebody else"
    yield from (f"no {name}" for name, value in SECURITY.items() if answer.headers.get(name) != value)


def _named(body: Any, name: str) -> Any:
    """A body whose names tell whose it is."""
    return {key: name if key == "name" else value for key, value in body.items()}


def all_calls() -> list[Call]:
    """Every call that needs a token and ends."""
    return [call for call in GUARDED if not call.streams]
