"""Rows are read as PyMySQL reads them, whatever their length."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pymysql
import pytest

from testbed.whmcs import sample
from tests.whmcs_import.shops import Shops
from whmcs_import.source import extract, wire


@pytest.mark.mariadb
def test_values_of_every_length_and_type_arrive(shops_server: Shops) -> None:
    with (
        shops_server.open(sample.make(sample.SEED, 0), "v8.3") as shop,
        extract.reading(extract.parse_dsn(shop.dsn)) as there,
        there.cursor() as cursor,
    ):
        for length in (0, 1, 250, 251, 252, 65535, 65536, 300_000):
            cursor.execute("SELECT repeat('é', %s), NULL, -5, 18446744073709551615, 1.50, DATE '2024-02-29'", (length,))
            assert cursor.fetchall() == (("é" * length, None, -5, "18446744073709551615", "1.50", "2024-02-29"),)


@dataclass
class Answer:
    """What a server sends, so many bytes at a time."""

    sent: bytes
    size: int
    fields: tuple[()] = ()
    unbuffered_active: bool = True

    @property
    def connection(self) -> Any:
        return SimpleNamespace(_rfile=SimpleNamespace(read1=self._read))

    @connection.setter
    def connection(self, _: None) -> None:
        pass

    def _read(self, most: int) -> bytes:
        some, self.sent = self.sent[: min(self.size, most)], self.sent[min(self.size, most) :]
        return some


def packet(content: bytes) -> bytes:
    return len(content).to_bytes(3, "little") + b"\x07" + content


def received(sent: bytes, size: int) -> tuple[list[bytes], str]:
    digest = hashlib.blake2b(digest_size=16)
    found = wire.packets(SimpleNamespace(_result=Answer(sent, size)), digest)
    return [packet for block in found for packet in block], digest.hexdigest()


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_rows_arrive_however_they_are_cut(size: int) -> None:
    sent = [b"\x011", b"\xfb", b"\x02ab", b"\x00"]
    found, digest = received(b"".join(map(packet, [*sent, b"\xfe\x00\x00\x02\x00"])), size)
    assert (found, digest) == (sent, received(b"".join(map(packet, [*sent, b"\xfe"])), 10_000)[1])


def test_a_value_of_sixteen_megabytes_is_one_row() -> None:
    """What is longer than a packet comes in several, and begins with the byte that ends shorter answers."""
    longest = 0xFFFFFF
    row = b"\xfe" + (longest - 9).to_bytes(8, "little") + b"x" * (longest - 9)
    found, _ = received(packet(row) + packet(b"") + packet(b"\x011") + packet(b"\xfe"), 1 << 20)
    assert list(map(len, found)) == [longest, 2]
    assert len(next(wire.values(found[0], [wire.text]))[0]) == longest - 9


def test_a_server_that_gives_up_amid_the_rows_is_an_error() -> None:
    with pytest.raises(pymysql.err.OperationalError, match="gone"):
        received(packet(b"\x011") + packet(b"\xff\xd6\x07#HY000gone"), 1000)


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert [*wire.values(b"\x02J\xff\xfb\x0212\x00\x01a\xfb", [wire.text, wire.text, int])] == [
        ("J\ufffd", None, 12),
        ("", "a", None),
    ]
