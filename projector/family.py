"""One kind of stream and the views folded from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

from domain.record import Recorded
from eventstore import snapshot
from projector.tables import Change, Table


class State(Protocol):
    """What every folded state has."""

    @property
    def version(self) -> int: ...


S = TypeVar("S", bound=State)


class Family(Generic[S]):
    """States of one kind of stream: loaded, folded, and given back as rows.

    The state of a stream is kept in the `state` column of `table`, whose first key column is the stream's id.
    """

    table: ClassVar[Table]
    state: ClassVar[type[Any]]
    events: ClassVar[tuple[type, ...]]

    def __init__(self) -> None:
        self.states: dict[UUID, S] = {}

    def load(self, rows: Iterable[tuple[UUID, str]]) -> None:
        """Start from states that were stored earlier."""
        self.states.update((id, snapshot.decode(self.state, text)) for id, text in rows)

    def fold(self, record: Recorded[Any]) -> None:
        """One more event; one that is folded already changes nothing."""
        before = self.states.get(record.stream_id)
        if before is not None and record.version <= before.version:
            return
        after = self.evolve(before, record)
        if after is not before:
            self.states[record.stream_id] = after

    def evolve(self, before: S | None, record: Recorded[Any]) -> S:
        """The state after one more event."""
        raise NotImplementedError

    def changes(self) -> list[Change]:
        """The rows of every stream."""
        raise NotImplementedError

    def in_order(self) -> list[S]:
        """The states of every stream, in the order of their ids."""
        return [self.states[id] for id in sorted(self.states)]
