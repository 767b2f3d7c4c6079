"""The database there, asked directly, and what its columns mean: readers of their own, shared with no other code."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from pymysql.cursors import Cursor, SSCursor

from whmcs_import.checking.recount import bare, clean, sides_of

Row = tuple[Any, ...]


class Source:
    """The database there: answers questions whatever of its tables and columns is missing or spelled otherwise."""

    def __init__(self, connection: Any, database: str):
        self._connection = connection
        self._tables: dict[str, tuple[str, set[str]]] = {}
        with connection.cursor(Cursor) as cursor:
            cursor.execute(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s", (database,)
            )
            for table, column in cursor.fetchall():
                self._tables.setdefault(str(table).lower(), (str(table), set()))[1].add(str(column).lower())

    def has(self, table: str) -> bool:
        """Whether there is such a table."""
        return table.lower() in self._tables

    def ask(self, query: str, **limits: int) -> Iterator[Row]:
        """The rows of a query; none where its first table is missing, NULL where a column is."""
        names = {alias: table.lower() for table, alias in re.findall(r"(?:FROM|JOIN) (\w+) ([a-z])\b", query)}
        if next(iter(names.values())) not in self._tables:
            return
        plain = re.sub(r"\b([a-z])\.(\w+)", lambda m: self._column(names[m[1]], m), query)
        plain = re.sub(r"(FROM|JOIN) (\w+) ([a-z])\b", self._table, plain)
        with self._connection.cursor(SSCursor) as cursor:
            cursor.execute(plain.format(**limits))
            yield from cursor

    def _column(self, table: str, match: re.Match[str]) -> str:
        return match[0] if match[2].lower() in self._tables.get(table, ("", set()))[1] else "NULL"

    def _table(self, match: re.Match[str]) -> str:
        known = self._tables.get(match[2].lower())
        return f"{match[1]} {f'`{known[0]}`' if known else '(SELECT NULL)'} {match[3]}"


def spelled(theirs: str, here: object) -> tuple[str, str]:
    """A text on both sides, theirs clean already; where the import mended UTF-8 that was read as Windows-1252, it
    is read so again.
    """
    ours = str(here or "")
    if _is_mended(theirs, ours):
        return ours, ours
    pairs = list(zip(theirs.split(), ours.split(), strict=False))
    same = len(pairs) == len(theirs.split()) == len(ours.split()) and all(_is_mended(*pair) for pair in pairs)
    return (ours, ours) if same else (theirs, ours)


def _is_mended(theirs: str, ours: str) -> bool:
    for _ in range(3):
        if ours == theirs:
            return True
        ours = ours.encode("utf-8").decode("cp1252", "replace")
    return not ours.isascii() and bare(theirs) == bare(ours)  # bytes without a meaning there


def told(text: object) -> str:
    """What a row says, both sides of its pipe; a text whose sides are the same stands only once."""
    key, label = (bare(side) for side in sides_of(str(text)))
    return key if key == label else f"{key}|{label}"


def letters(text: object) -> str:
    """What remains of a text of the source when entities, spaces, pipes and punctuation do not count."""
    return bare(clean(str(text or "")))


def of_here(text: object) -> str:
    """The same of a text that was imported, whose entities are decoded already."""
    return bare(str(text or ""))


def whole(raw: object) -> int:
    """A number however its column keeps it, -1 where it is none."""
    if raw in ("\0", "\1", b"\0", b"\1"):
        return int(raw in ("\1", b"\1"))  # a bit
    found = re.fullmatch(r"\s*(-?[0-9]{1,18})(\.0+)?\s*", str(raw))
    return int(found[1]) if found else -1


def amount(raw: object) -> Decimal | None:
    """What something costs, or None where that is no number."""
    try:
        return Decimal(str(raw))
    except InvalidOperation:
        return None


def day(raw: object) -> str | None:
    """A date between 1990 and 2100 as it is written, or None."""
    text = str(raw or "").strip()[:10]
    try:
        year, month, day = (int(part) for part in text.split("-"))
    except ValueError:
        return None
    longest = (31, 29 if year % 4 == 0 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    good = 1990 <= year <= 2100 and 1 <= month <= 12 and 1 <= day <= longest[month - 1]
    return text if good else None


def addresses(text: str) -> dict[str, int | None]:
    """Every word that is the address of a machine, whatever port or length is stuck to it, once; with that length."""
    found: dict[str, int | None] = {}
    for word in re.split(r"[\s,;]+", clean(text)):
        host, _, length = word.rpartition("=")[2].partition("/")
        forms = [host, host.rpartition(":")[0]] if host.count(":") <= 1 else [host]
        forms += [match[1] for match in [re.fullmatch(r"\[(.+)\](:\d+)?", host)] if match]
        for form in forms:
            if (address := _address(form, length)) is not None:
                known = found.get(address)
                found[address] = _prefix(host, length) if known is None and length else known
                break
    return found


def prefix_of(mask: object, family: int) -> int | None:
    """The length of a netmask, written as a number or in full."""
    try:
        return ipaddress.ip_network(f"{'0.0.0.0' if family == 4 else '::'}/{str(mask).strip()}").prefixlen
    except ValueError:
        return None


def _prefix(host: str, length: str) -> int | None:
    return prefix_of(length, 6 if host.count(":") > 1 else 4)


def gateway(raw: object) -> str | None:
    """An address that traffic may be sent to."""
    try:
        found = ipaddress.ip_address(str(raw or "").strip())
    except ValueError:
        return None
    return None if int(found) == 0 else str(found)


def _address(form: str, length: str) -> str | None:
    try:
        ip = ipaddress.ip_address(form)
        network = ipaddress.ip_network(f"{form}/{length or ip.max_prefixlen}", strict=False)
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        return _address(str(ip.ipv4_mapped), "")
    if ip.is_unspecified or ip.is_loopback or ip.is_multicast or ip.is_link_local or int(ip) >> 28 == 0xF:
        return None
    return None if network.num_addresses > 2 and ip == network.network_address else str(ip)
