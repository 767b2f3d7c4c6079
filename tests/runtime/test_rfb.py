"""The beginning of a console's connection, both sides against each other."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import rfb
from runtime.rfb import NotAdmitted, Pieces


class Pipe:
    """One direction, in pieces of so many bytes."""

    def __init__(self, size: int = 64) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._size = size

    async def write(self, data: bytes) -> None:
        for start in range(0, len(data), self._size):
            self._queue.put_nowait(data[start : start + self._size])

    def end(self) -> None:
        self._queue.put_nowait(b"")

    async def read(self) -> bytes:
        return await self._queue.get()


async def serve(pieces: Pieces, to_viewer: Pipe, password: str) -> None:
    try:
        await rfb.admit(pieces, to_viewer.write, password)
        await to_viewer.write(rfb.welcome() + b"rest")
    finally:
        to_viewer.end()


@given(size=st.integers(1, 40))
def test_who_knows_the_password_is_admitted_in_pieces_of_any_size(size: int) -> None:
    async def meet() -> bytes:
        up, down = Pipe(size), Pipe(size)
        viewer = Pieces(down.read)
        await asyncio.gather(serve(Pieces(up.read), down, "s3cret"), rfb.enter(viewer, up.write, "s3cret"))
        return await viewer.exactly(4)

    assert asyncio.run(meet()) == b"rest"


async def test_who_does_not_is_told_so() -> None:
    up, down = Pipe(), Pipe()
    outcomes = await asyncio.gather(
        serve(Pieces(up.read), down, "s3cret"),
        rfb.enter(Pieces(down.read), up.write, "wrong"),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [NotAdmitted, NotAdmitted]
    assert "The password is wrong." in str(outcomes[1])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"RFB 003.003\n", "another version"),
        (b"SSH-2.0-x\r\n\n", "another version"),
        (rfb.VERSION + b"\0" + b"\0\0\0\x04none", "none"),
        (rfb.VERSION + b"\x01\x01", "other ways"),
        (b"RFB", "closed"),
        (b"", "closed"),
    ],
)
async def test_a_server_of_another_kind_is_left(said: bytes, why: str) -> None:
    down = Pipe()
    await down.write(said)
    down.end()
    with pytest.raises(NotAdmitted, match=why):
        await rfb.enter(Pieces(down.read), Pipe().write, "s3cret")


@pytest.mark.parametrize("said", [b"RFB 003.003\n", rfb.VERSION + b"\x01", rfb.VERSION + b"\x02" + b"\0" * 16, b"x"])
async def test_a_viewer_of_another_kind_is_left(said: bytes) -> None:
    up = Pipe()
    await up.write(said)
    up.end()
    with pytest.raises(NotAdmitted):
        await rfb.admit(Pieces(up.read), Pipe().write, "s3cret")


async def test_what_came_early_is_not_lost() -> None:
    down = Pipe()
    await down.write(b"abcdef")
    pieces = Pieces(down.read)
    assert await pieces.exactly(2) == b"ab"
    assert await pieces.more() == b"cdef"
