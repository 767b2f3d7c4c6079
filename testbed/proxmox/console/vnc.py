"""The remote framebuffer protocol for simulated guests (RFC 6143): version 3.8, a password, raw and ZRLE pictures."""

import asyncio
import secrets
import struct
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from testbed.proxmox.inside.screen import COLOURS, HEIGHT, WIDTH, Screen

VERSION = b"RFB 003.008\n"
NO_SECURITY, PASSWORD = 1, 2
RAW, ZRLE = 0, 16
TILE = 64
AUTHENTICATION_SECONDS = 30.0
KEYS = {0xFF08: "\x7f", 0xFF09: "\t", 0xFF0A: "\n", 0xFF0D: "\r", 0xFF8D: "\r", 0xFF1B: "\x1b", 0xFFFF: "\x7f"}
CONTROL_KEYS = (0xFFE3, 0xFFE4)
LONGEST_CUT_TEXT = 1 << 20


class Refused(Exception):
    """The other side is no client that could be served."""


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How a client wants its pixels (true colour only)."""

    bits: int = 32
    depth: int = 24
    big_endian: bool = False
    maxima: tuple[int, int, int] = (255, 255, 255)
    shifts: tuple[int, int, int] = (16, 8, 0)

    @classmethod
    def unpack(cls, data: bytes) -> "PixelFormat":
        """Read the sixteen bytes of the wire; raises `Refused`."""
        bits, depth, big, true, red, green, blue, *shifts = struct.unpack(">BBBBHHHBBB3x", data)
        if bits not in (8, 16, 32) or not true:
            raise Refused(f"pixels of {bits} bits, true colour {true}")
        return cls(bits, depth, bool(big), (red, green, blue), (shifts[0], shifts[1], shifts[2]))

    def pack(self) -> bytes:
        """The sixteen bytes of the wire."""
        return struct.pack(">BBBBHHHBBB3x", self.bits, self.depth, self.big_endian, 1, *self.maxima, *self.shifts)

    def pixel(self, colour: Sequence[int]) -> bytes:
        """One pixel."""
        parts = zip(colour, self.maxima, self.shifts, strict=True)
        value = sum(part * most // 255 << shift for part, most, shift in parts)
        return value.to_bytes(self.bits // 8, "big" if self.big_endian else "little")

    def compact(self, colour: Sequence[int]) -> bytes:
        """One pixel as ZRLE has it: three bytes where the colours fit into three of four."""
        pixel = self.pixel(colour)
        if self.bits != 32 or self.depth > 24:
            return pixel
        used = [most << shift for most, shift in zip(self.maxima, self.shifts, strict=True)]
        if all(value < 1 << 24 for value in used):
            return pixel[1:] if self.big_endian else pixel[:3]
        return pixel[:3] if self.big_endian else pixel[1:]


def response(password: str, challenge: bytes) -> bytes:
    """What a client that knows the password answers: DES with the bits of each byte of the key reversed."""
    key = password.encode("latin-1")[:8].ljust(8, b"\0")
    reversed_bits = bytes(int(f"{byte:08b}"[::-1], 2) for byte in key)
    encryptor = Cipher(TripleDES(reversed_bits * 3), modes.ECB()).encryptor()
    return encryptor.update(challenge) + encryptor.finalize()


class Display:
    """Serves one client. `name` is the window's title, `typed` gets the keys as text."""

    def __init__(self, screen: Screen, name: str, typed: Callable[[str], None]) -> None:
        self._screen = screen
        self._name = name
        self._typed = typed
        self._format = PixelFormat()
        self._encoding = RAW
        self._zlib = zlib.compressobj()
        self._control = False
        self._dirty: tuple[int, int] | None = (0, HEIGHT)
        self._wanted = False
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, password: str) -> None:
        """Serve until the client goes; whoever does not know the password is told so and cut off."""
        self._reader, self._writer = reader, writer
        try:
            async with asyncio.timeout(AUTHENTICATION_SECONDS):
                await self._greet(password)
            self._screen.watchers.add(self._changed)
            self._screen.listeners.add(self._ring)
            await self._listen()
        except (Refused, OSError, asyncio.IncompleteReadError, TimeoutError):
            pass
        finally:
            self._screen.watchers.discard(self._changed)
            self._screen.listeners.discard(self._ring)
            writer.close()

    async def _greet(self, password: str) -> None:
        self._writer.write(VERSION)
        version = await self._reader.readexactly(12)
        if version[:4] != b"RFB " or version[11:] != b"\n":
            raise Refused("not a client of this protocol")
        old = version < b"RFB 003.007\n"
        self._writer.write(struct.pack(">I", PASSWORD) if old else bytes([1, PASSWORD]))
        if not old and await self._reader.readexactly(1) != bytes([PASSWORD]):
            raise Refused("another kind of authentication")
        await self._authenticate(password, tells_why=version >= VERSION)
        await self._reader.readexactly(1)
        name = self._name.encode()
        self._writer.write(struct.pack(">HH", WIDTH, HEIGHT) + self._format.pack())
        self._writer.write(struct.pack(">I", len(name)) + name)

    async def _authenticate(self, password: str, tells_why: bool) -> None:
        challenge = secrets.token_bytes(16)
        self._writer.write(challenge)
        answer = await self._reader.readexactly(16)
        if secrets.compare_digest(answer, response(password, challenge)):
            self._writer.write(struct.pack(">I", 0))
            return
        reason = b"Authentication failed"
        self._writer.write(struct.pack(">I", 1) + (struct.pack(">I", len(reason)) + reason if tells_why else b""))
        with suppress(OSError):
            await self._writer.drain()
        raise Refused("wrong password")

    async def _listen(self) -> None:
        while kind := await self._reader.read(1):
            if kind[0] not in MESSAGES:
                raise Refused(f"message of unknown kind {kind[0]}")
            await MESSAGES[kind[0]](self)
            await self._writer.drain()

    async def _set_format(self) -> None:
        self._format = PixelFormat.unpack((await self._reader.readexactly(19))[3:])

    async def _set_encodings(self) -> None:
        (count,) = struct.unpack(">xH", await self._reader.readexactly(3))
        offered = struct.unpack(f">{count}i", await self._reader.readexactly(4 * count))
        self._encoding = ZRLE if ZRLE in offered else RAW

    async def _ask(self) -> None:
        incremental, _x, y, _width, height = struct.unpack(">BHHHH", await self._reader.readexactly(9))
        self._wanted = True
        if not incremental:
            self._mark(min(y, HEIGHT - 1), min(height, HEIGHT - min(y, HEIGHT - 1)))
        self._send()

    async def _key(self) -> None:
        pressed, key = struct.unpack(">B2xI", await self._reader.readexactly(7))
        if key in CONTROL_KEYS:
            self._control = bool(pressed)
        elif pressed and (text := key_text(key, self._control)):
            self._typed(text)

    async def _pointer(self) -> None:
        await self._reader.readexactly(5)

    async def _cut_text(self) -> None:
        (length,) = struct.unpack(">3xI", await self._reader.readexactly(7))
        if length > LONGEST_CUT_TEXT:
            raise Refused("too long a text")
        await self._reader.readexactly(length)

    def _changed(self, top: int, height: int) -> None:
        self._mark(top, height)
        # Whoever draws goes on drawing: what belongs together goes out together.
        asyncio.get_running_loop().call_soon(self._send)

    def _mark(self, top: int, height: int) -> None:
        first, end = self._dirty or (top, top)
        self._dirty = min(first, top), max(end, top + height)

    def _ring(self) -> None:
        self._writer.write(b"\x02")

    def _send(self) -> None:
        if not self._wanted or self._dirty is None or self._writer.is_closing():
            return
        top, end = self._dirty
        self._wanted, self._dirty = False, None
        head = struct.pack(">BxHHHHHi", 0, 1, 0, top, WIDTH, end - top, self._encoding)
        self._writer.write(head + (self._zrle if self._encoding == ZRLE else self._raw)(top, end))

    def _raw(self, top: int, end: int) -> bytes:
        pixels = [self._format.pixel(colour) for colour in COLOURS]
        return b"".join(pixels[dot] for row in self._screen.rows(0, top, WIDTH, end - top) for dot in row)

    def _zrle(self, top: int, end: int) -> bytes:
        pixels = [self._format.compact(colour) for colour in COLOURS]
        tiles = bytearray()
        for y in range(top, end, TILE):
            for x in range(0, WIDTH, TILE):
                tiles += tile(self._screen.rows(x, y, min(TILE, WIDTH - x), min(TILE, end - y)), pixels)
        packed = self._zlib.compress(bytes(tiles)) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        return struct.pack(">I", len(packed)) + packed


MESSAGES = {
    0: Display._set_format,
    2: Display._set_encodings,
    3: Display._ask,
    4: Display._key,
    5: Display._pointer,
    6: Display._cut_text,
}


def key_text(key: int, control: bool) -> str:
    """What a pressed key types, "" for those that type nothing."""
    if control and 0x40 <= key <= 0x7E:
        return chr(key & 0x1F)
    if 0x20 <= key <= 0xFF:
        return chr(key)
    if 0xFFB0 <= key <= 0xFFB9:
        return chr(key - 0xFFB0 + ord("0"))
    return KEYS.get(key, "")


def tile(rows: Sequence[bytes], pixels: Sequence[bytes]) -> bytes:
    """One tile: a single colour, or a palette with as few bits a pixel as will do."""
    used = sorted(set().union(*rows))
    palette = b"".join(pixels[colour] for colour in used)
    if len(used) == 1:
        return b"\x01" + palette
    bits = 1 if len(used) == 2 else 2 if len(used) <= 4 else 4
    digits = bytes.maketrans(bytes(used), b"0123456789abcdef"[: len(used)])
    per_byte = 8 // bits
    size = -(-len(rows[0]) // per_byte)
    packed = (int(row.translate(digits).ljust(size * per_byte, b"0"), 1 << bits).to_bytes(size) for row in rows)
    return bytes([len(used)]) + palette + b"".join(packed)
