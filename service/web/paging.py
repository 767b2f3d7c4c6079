"""Pages of a list: opaque cursors that name the last row seen, and the shape every list has."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from service.web.problems import Problem, invalid

Row = TypeVar("Row")


def cursor(order: str, value: object, id: UUID | None = None) -> str:
    """The cursor after a row: the list's order, the row's value in it, and its id."""
    shown = value.isoformat() if isinstance(value, datetime) else value
    text = json.dumps([order, shown, id.hex if id else None], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def parse(text: str | None, order: str, read: Callable[[Any], Any]) -> tuple[Any, UUID | None]:
    """The value and id in a cursor of a list in this order; (None, None) without one.

    Raises:
        Problem: it is no cursor of such a list.
    """
    if text is None:
        return None, None
    try:
        found, value, id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if found == order:
            return read(value), UUID(id) if id else None
    except (binascii.Error, ValueError, TypeError):
        pass
    raise _refused()


def moment(value: Any) -> datetime:
    """A time with its zone, as a cursor keeps it.

    Raises:
        ValueError: it is none.
    """
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("a time without a zone")
    return found


def name(value: Any) -> str:
    """A text, as a cursor keeps it.

    Raises:
        ValueError: it is none, or PostgreSQL could not compare with it.
    """
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("not a name")
    return value


def number(value: Any) -> int:
    """A version, as a cursor keeps it.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, int) or not 0 < value < 2**31:
        raise ValueError("not a version")
    return value


def place(value: Any) -> tuple[int, int]:
    """A place of the log, as a cursor keeps it.

    Raises:
        ValueError: it is none.
    """
    tx, pos = value
    if not (isinstance(tx, int) and isinstance(pos, int) and 0 < tx < 2**63 and 0 < pos < 2**63):
        raise ValueError("not a place of the log")
    return tx, pos


def page(rows: Sequence[Row], limit: int, show: Callable[[Row], Any], after: Callable[[Row], str]) -> dict[str, Any]:
    """A page of `rows`, of which one more than `limit` was asked for."""
    shown, more = rows[:limit], len(rows) > limit
    return {
        "data": [show(row) for row in shown],
        "page": {"limit": limit, "next_cursor": after(shown[-1]) if more else None, "has_more": more},
    }


def whole(rows: Sequence[Row], show: Callable[[Row], Any]) -> dict[str, Any]:
    """A list that is short enough to be one page."""
    return {
        "data": [show(row) for row in rows],
        "page": {"limit": max(len(rows), 1), "next_cursor": None, "has_more": False},
    }


def _refused() -> Problem:
    return invalid("/cursor", "This is no cursor of this list: leave it out to begin at the start.")
