"""Positions as the outside sees them."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.positions import Position, PositionReset, parse, show

NUMBERS = st.integers(0, 2**63)


@given(st.uuids(), NUMBERS, NUMBERS, st.none() | st.integers(0, 9))
def test_a_shown_position_is_read_back(log_id, tx, pos, part):  # type: ignore[no-untyped-def]
    assert parse(log_id, show(log_id, Position(tx, pos), part)) == (Position(tx, pos), part or 0)


@pytest.mark.parametrize("text", ["", "1:2", "x", "{other}:1:2", "{own}:1", "{own}:1:2:3:4", "{own}:-1:2", "{own}:1:²"])
def test_other_texts_are_refused(text: str) -> None:
    own = uuid4()
    with pytest.raises(PositionReset):
        parse(own, text.format(own=own.hex, other=uuid4().hex))


def test_positions_are_ordered_by_transaction_first() -> None:
    assert Position(9, 100) < Position(10, 1) < Position(10, 2)
