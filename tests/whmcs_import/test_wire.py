"""Rows are read as PyMySQL reads them, whatever their length."""

from __future__ import annotations

import pytest

from testbed.whmcs import sample
from tests.whmcs_import.shops import Shops
from whmcs_import import extract, wire


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


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert wire.read_row(b"\x02J\xff\xfb\x0212", [(None, None), (None, None), (None, int)]) == ("J\ufffd", None, 12)
