"""The beginning of the remote framebuffer protocol, from both sides: its version and VNC authentication (RFC 6143 7.1).

What follows it is passed on and not understood here.
"""

from __future__ import annotations

import hmac
import secrets
import struct
from collections.abc import Awaitable, Callable
from typing import Protocol

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

VERSION = b"RFB 003.008\n"
VNC_AUTHENTICATION = 2
CHALLENGE_BYTES = 16
LONGEST_REASON = 4096
PASSWORD_LENGTH = 8  # VNC authentication looks at no more


class NotAdmitted(Exception):
    """The other side does not speak this protocol, or refused; the message says why."""


class Stream(Protocol):
    """A connection in pieces of any size; `read` answers b"" at its end."""

    async def read(self) -> bytes: ...

    async def write(self, data: bytes) -> None: ...

    async def close(self) -> None: ...


class Pieces:
    """A stream of which so many bytes can be taken at a time."""

    def __init__(self, read: Callable[[], Awaitable[bytes]]) -> None:
        self._read, self._held = read, b""

    async def exactly(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            NotAdmitted: the stream ends before.
        """
        while len(self._held) < count:
            piece = await self._read()
            if not piece:
                raise NotAdmitted("the connection was closed")
            self._held += piece
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    async def more(self) -> bytes:
        """What was read and not yet taken, else the next piece; b"" at the end."""
        if not self._held:
            return await self._read()
        held, self._held = self._held, b""
        return held


async def enter(pieces: Pieces, write: Callable[[bytes], Awaitable[None]], password: str) -> None:
    """Authenticate with a server, as a viewer.

    Raises:
        NotAdmitted: the server wants something else, or refuses.
    """
    if await pieces.exactly(len(VERSION)) != VERSION:
        raise NotAdmitted("the server speaks another version of the protocol")
    await write(VERSION)
    kinds = await pieces.exactly((await pieces.exactly(1))[0])
    if not kinds:
        raise NotAdmitted(await _reason(pieces))
    if VNC_AUTHENTICATION not in kinds:
        raise NotAdmitted(f"the server offers other ways to authenticate: {[*kinds]}")
    await write(bytes([VNC_AUTHENTICATION]))
    await write(answer(password, await pieces.exactly(CHALLENGE_BYTES)))
    if any(await pieces.exactly(4)):
        raise NotAdmitted(await _reason(pieces))


async def admit(pieces: Pieces, write: Callable[[bytes], Awaitable[None]], password: str) -> None:
    """Have a viewer authenticate, up to the point where it waits for the result.

    Raises:
        NotAdmitted: it does not know the password (it was told), or does not speak this protocol.
    """
    await write(VERSION)
    if await pieces.exactly(len(VERSION)) != VERSION:
        raise NotAdmitted("the viewer speaks another version of the protocol")
    await write(bytes([1, VNC_AUTHENTICATION]))
    if await pieces.exactly(1) != bytes([VNC_AUTHENTICATION]):
        raise NotAdmitted("the viewer wants to authenticate in another way")
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    await write(challenge)
    if not hmac.compare_digest(await pieces.exactly(CHALLENGE_BYTES), answer(password, challenge)):
        await write(refusal("The password is wrong."))
        raise NotAdmitted("the password is wrong")


def welcome() -> bytes:
    """What a viewer is told that may go on."""
    return struct.pack(">I", 0)


def refusal(reason: str) -> bytes:
    """What a viewer is told that may not."""
    text = reason.encode()[:LONGEST_REASON]
    return struct.pack(">II", 1, len(text)) + text


def answer(password: str, challenge: bytes) -> bytes:
    """What a viewer that knows the password answers: DES, with the bits of each byte of the key reversed."""
    key = password.encode("latin-1")[:PASSWORD_LENGTH].ljust(PASSWORD_LENGTH, b"\0")
    turned = bytes(int(f"{byte:08b}"[::-1], 2) for byte in key)
    encryptor = Cipher(TripleDES(turned * 3), modes.ECB()).encryptor()
    return encryptor.update(challenge) + encryptor.finalize()


async def _reason(pieces: Pieces) -> str:
    length: int = struct.unpack(">I", await pieces.exactly(4))[0]
    return (await pieces.exactly(min(length, LONGEST_REASON))).decode(errors="replace")
