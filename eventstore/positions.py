"""Where something stands in the log: the pair (tx, pos). Outside, an opaque text that names its log."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID


class Position(NamedTuple):
    """Order and checkpoints of the log: transaction first, then place inside it."""

    tx: int
    pos: int


START = Position(0, 0)


class PositionReset(ValueError):
    """The position belongs to another log: read from the start, or from where this log says."""


def show(log_id: UUID, position: Position, part: int | None = None) -> str:
    """The outside form; `part` tells several messages about one event apart."""
    tail = "" if part is None else f":{part}"
    return f"{log_id.hex}:{position.tx}:{position.pos}{tail}"


def parse(log_id: UUID, text: str) -> tuple[Position, int]:
    """A position and its part (0 without one).

    Raises:
        PositionReset: it is not a position of this log.
    """
    pieces = text.split(":")
    if len(pieces) not in (3, 4) or pieces[0] != log_id.hex or not all(p.isascii() and p.isdigit() for p in pieces[1:]):
        raise PositionReset(text)
    numbers = [int(piece) for piece in pieces[1:]]
    return Position(numbers[0], numbers[1]), numbers[2] if len(numbers) == 3 else 0
