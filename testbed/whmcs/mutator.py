"""A shop that is open while it is being read: small changes, one transaction each, in an order only the seed decides.

Each change tells what is true of its service afterwards. Size and price change together, in two tables: whoever reads
them at different moments can be told by it. The number of the last change stands in tblconfiguration, so that any
consistent copy says how many changes it holds.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from random import Random
from subprocess import Popen, TimeoutExpired
from typing import Any

import pymysql

from testbed.whmcs.scale import CASE, LIVE
from testbed.whmcs.services import OVERDUE
from testbed.whmcs.truth import ServiceTruth
from testbed.whmcs.world import Row, World, number

SETTING = "MutatorSequence"
PRICE_PER_GIB = 5
IMAGES = {"debian-12": "debian-12|Debian 12", "ubuntu-24.04": "ubuntu-24.04|Ubuntu 24.04"}
Connection = pymysql.connections.Connection


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change: its statements, and what of its service's truth is different afterwards."""

    sequence: int
    service_id: int
    sql: list[str]
    after: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Target:
    """A service that may change, with its row for memory and what else that row may say."""

    truth: ServiceTruth
    row: Row
    memory: Row
    choices: list[tuple[int, int]]  # (sub-option, MiB)
    image_field: int


def mutations(world: World, seed: int) -> Iterator[Mutation]:
    """Changes to the ordinary live services of *world* without end: the same ones for the same seed."""
    chance = Random(f"mutator {seed}")
    targets = list(_targets(world))
    kinds: tuple[Callable[[_Target, Random], tuple[list[str], dict[str, Any]]], ...] = (_size, _standing, _due, _image)
    for sequence in count(1):
        target = chance.choice(targets)
        sql, after = chance.choice(kinds)(target, chance)
        yield Mutation(sequence, target.truth.service_id, sql, after)


def mutate_until(
    process: "Popen[bytes]", connection: "Connection[Any]", changes: Iterator[Mutation], rate: float, log: Path
) -> None:
    """Apply *rate* *changes* a second, and note each in *log* once it is there, until *process* ends.

    Where some are in the database already, those are passed over.
    """
    done = _applied(connection)
    with log.open("a", encoding="utf-8") as file:
        for change in changes:
            if change.sequence <= done:
                continue
            try:
                process.wait(1 / rate)
                return
            except TimeoutExpired:
                _apply(connection, change)
                file.write(json.dumps(asdict(change)) + "\n")
                file.flush()


def _applied(connection: "Connection[Any]") -> int:
    with connection.cursor() as cursor:
        cursor.execute("INSERT IGNORE INTO tblconfiguration (setting, value) VALUES (%s, '0')", (SETTING,))
        cursor.execute("SELECT value FROM tblconfiguration WHERE setting = %s", (SETTING,))
        [(value,)] = cursor.fetchall()
    connection.commit()
    return int(value)


def _apply(connection: "Connection[Any]", change: Mutation) -> None:
    with connection.cursor() as cursor:
        for statement in change.sql:
            cursor.execute(statement)
        cursor.execute("UPDATE tblconfiguration SET value = %s WHERE setting = %s", (change.sequence, SETTING))
    connection.commit()


def _targets(world: World) -> Iterator[_Target]:
    memory = {number(row): row for row in world.tables["tblproductconfigoptions"] if row["optionname"] == "RAM"}
    choices: dict[int, list[tuple[int, int]]] = {option: [] for option in memory}
    for row in world.tables["tblproductconfigoptionssub"]:
        if (option := number(row, "configid")) in memory and (size := _mebibytes(str(row["optionname"]))):
            choices[option].append((number(row), size))
    sold = {row["relid"]: row for row in world.tables["tblhostingconfigoptions"] if row["configid"] in memory}
    images = {
        row["relid"]: number(row) for row in world.tables["tblcustomfields"] if row["fieldname"] == "OS_Image_Template"
    }
    for row in world.tables["tblhosting"]:
        truth = world.truth.services[number(row)]
        if truth.case == CASE and truth.expect == "import" and truth.status in LIVE and number(row) in sold:
            chosen = sold[number(row)]
            yield _Target(truth, row, chosen, choices[number(chosen, "configid")], images[row["packageid"]])


def _mebibytes(label: str) -> int | None:
    """The size of an ordinary choice, "2048|2 GB" or "2 GB"."""
    key = label.partition("|")[0]
    if key.isdigit():
        return int(key)
    return int(key.removesuffix(" GB")) * 1024 if key.removesuffix(" GB").isdigit() else None


def _size(target: _Target, chance: Random) -> tuple[list[str], dict[str, Any]]:
    choice, memory = chance.choice(target.choices)
    amount = f"{memory // 1024 * PRICE_PER_GIB}.00"
    option = f"relid = {target.truth.service_id} AND configid = {target.memory['configid']}"
    return [
        f"UPDATE tblhostingconfigoptions SET optionid = {choice} WHERE {option}",
        f"UPDATE tblhosting SET amount = {amount} WHERE id = {target.truth.service_id}",
    ], {"memory_mib": memory, "amount": amount}


def _standing(target: _Target, chance: Random) -> tuple[list[str], dict[str, Any]]:
    status = chance.choice(LIVE)
    overdue = status == "Suspended"
    reason = OVERDUE if overdue else ""
    return [
        f"UPDATE tblhosting SET domainstatus = '{status}', suspendreason = '{reason}'"
        f" WHERE id = {target.truth.service_id}"
    ], {"status": status, "suspension": "non_payment" if overdue else None}


def _due(target: _Target, chance: Random) -> tuple[list[str], dict[str, Any]]:
    due = str(date(2026, 12, 1) + timedelta(days=chance.randrange(360)))
    return [
        f"UPDATE tblhosting SET nextduedate = '{due}', nextinvoicedate = '{due}' WHERE id = {target.truth.service_id}"
    ], {"next_due": due}


def _image(target: _Target, chance: Random) -> tuple[list[str], dict[str, Any]]:
    """Written as modules do it: away with the old value, then the new one."""
    image = chance.choice(tuple(IMAGES))
    row = f"fieldid = {target.image_field} AND relid = {target.truth.service_id}"
    return [
        f"DELETE FROM tblcustomfieldsvalues WHERE {row}",
        f"INSERT INTO tblcustomfieldsvalues (fieldid, relid, value)"
        f" VALUES ({target.image_field}, {target.truth.service_id}, '{IMAGES[image]}')",
    ], {"os": image}
