"""The catalogue of the settings, declared in the log: what is new or changed is appended, what is gone is unlisted.

What staff or an import made is theirs: it is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any
from uuid import UUID

from domain import ids
from domain.catalogue.events import CatalogueEvent, ImageDeclared, LocationDeclared, PlanDeclared
from domain.catalogue.state import evolve
from domain.record import Meta, Recorded
from eventstore.store import Entry, EventStore
from runtime.settings import Config, Section
from service.reads import SQL


async def apply_catalogue(store: EventStore, config: Config, meta: Meta) -> list[str]:
    """Bring the log's catalogue to that of the settings; returns what was done, a line per item.

    Raises:
        Conflict: somebody else does the same at this moment.
    """
    known = {row["stream_id"]: store.recorded(row) for row in await store.pool.fetch(SQL.declared)}
    wanted = dict(_wanted(config))
    foreign = {id for id, past in known.items() if evolve(past).declared["origin"] != "file"}
    changed = [
        (id, event)
        for id, event in wanted.items()
        if id not in foreign and (id not in known or known[id].event != event)
    ]
    gone = [
        (id, replace(past.event, listed=False))
        for id, past in known.items()
        if id not in foreign and id not in wanted and past.event.listed
    ]
    entries = [Entry(id, known[id].version + 1 if id in known else 1, event, meta) for id, event in (*changed, *gone)]
    if entries:
        await store.append(entries)
    done = [_line(known.get(id), event) for id, event in (*changed, *gone)]
    return done + [f"left alone {_what(event)}: staff made it" for id, event in wanted.items() if id in foreign]


def _wanted(config: Config) -> Iterator[tuple[UUID, CatalogueEvent]]:
    yield from _declared("plan", config.plan, PlanDeclared)
    yield from _declared("image", config.image, ImageDeclared)
    yield from _declared("location", config.location, LocationDeclared)


def _declared(kind: str, items: Sequence[Section], cls: type[CatalogueEvent]) -> Iterator[tuple[UUID, CatalogueEvent]]:
    # Where something is, and whom it is for, is read from the settings themselves each time.
    known = {field.name for field in fields(cls)} - {"clusters", "pools", "user"}
    for position, item in enumerate(items):
        values: dict[str, Any] = item.model_dump(include=known)
        yield ids.catalogue(kind, values["key"]), cls(**values, position=position)


def _line(before: Recorded[Any] | None, event: CatalogueEvent) -> str:
    done = "added" if before is None else "changed" if event.listed else "unlisted"
    return f"{done} {_what(event)}"


def _what(event: CatalogueEvent) -> str:
    return f"{type(event).__name__.removesuffix('Declared').lower()} {event.key}"
