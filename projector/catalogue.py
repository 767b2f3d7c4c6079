"""Events of the catalogue → `catalogue_view`."""

from __future__ import annotations

from typing import Any, get_args

from domain.catalogue.events import CatalogueEvent
from domain.catalogue.state import Item, evolve
from domain.record import Recorded
from eventstore import snapshot
from projector.family import Family
from projector.tables import Change, Row, Table

CATALOGUE_VIEW = Table(
    "catalogue_view",
    ("item_id",),
    {
        "item_id": "uuid",
        "kind": "text",
        "version": "integer",
        "position": "integer",
        "listed": "boolean",
        "state": "json",
    },
)


class Catalogue(Family[Item]):
    """Plans, images and locations."""

    table = CATALOGUE_VIEW
    state = Item
    events = get_args(CatalogueEvent)

    def evolve(self, before: Item | None, record: Recorded[Any]) -> Item:
        return evolve(record)

    def changes(self) -> list[Change]:
        return [Change(CATALOGUE_VIEW, [item_row(state) for state in self.in_order()])]


def item_row(state: Item) -> Row:
    """A row of `catalogue_view`."""
    declared = state.declared
    return (state.id, state.kind, state.version, declared["position"], declared["listed"], snapshot.encode(state))
