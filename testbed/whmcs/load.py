"""Making the tables of a schema generation and putting rows into them."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import pymysql

from testbed.whmcs.world import Row, World

SCHEMAS = Path(__file__).with_name("schema")
BASE, MODULES = "v8.3", "modules"
# What each other generation's file is written against.
AFTER = {"v8.13": BASE, "v7": BASE, "v5": "v7"}
Connection: TypeAlias = "pymysql.Connection[pymysql.cursors.Cursor]"
Columns = set[tuple[str, str]]


def schemas() -> list[str]:
    """The schema generations there are, oldest first."""
    return ["v5", "v7", "v8.3", "v8.13"]


def create_tables(connection: Connection, schema: str, world: World) -> Columns:
    """Make the tables of *schema*, one of `schemas()`, and alter them as *world* wants them.

    Returns the columns that the generation written in full has and these tables lack.
    """
    _run(connection, [*_file(BASE), *_file(MODULES)])
    full = _columns(connection)
    for name in _differences(schema):
        _run(connection, _file(name))
    _run(connection, world.alterations)
    _run(
        connection, [f"ALTER TABLE `{table}` CONVERT TO CHARACTER SET {name}" for table, name in world.charsets.items()]
    )
    _run(connection, [f"ALTER TABLE `{table}` ENGINE={engine}" for table, engine in world.engines.items()])
    return full - _columns(connection)


def insert(connection: Connection, world: World, lacking: Columns) -> int:
    """Insert every row of *world* without what is *lacking*, commit, and return how many there were."""
    total = 0
    missing = {table for table, _ in lacking} - {table for table, _ in _columns(connection)}
    with connection.cursor() as cursor:
        for table, rows in world.tables.items():
            if table in missing:
                continue
            for columns, batch in _alike(rows, {column for owner, column in lacking if owner == table}):
                names = ", ".join(f"`{column}`" for column in columns)
                marks = ", ".join(["%s"] * len(columns))
                sql = f"INSERT INTO `{table}` ({names}) VALUES ({marks})"
                cursor.executemany(sql, [tuple(row[column] for column in columns) for row in batch])
                total += len(batch)
    connection.commit()
    return total


def _alike(rows: list[Row], lacking: set[str]) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    """*rows* in their order, in runs which have the same columns: those left out take the column's default."""
    for columns, run in groupby(rows, key=lambda row: tuple(column for column in row if column not in lacking)):
        yield columns, list(run)


def _differences(schema: str) -> list[str]:
    return [] if schema == BASE else [*_differences(AFTER[schema]), schema]


def _columns(connection: Connection) -> Columns:
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()")
        return {(str(table), str(column)) for table, column in cursor.fetchall()}


def _run(connection: Connection, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _file(name: str) -> list[str]:
    sql = (SCHEMAS / f"{name}.sql").read_text(encoding="utf-8")
    bare = "\n".join(line for line in sql.splitlines() if not line.startswith("--"))
    return [statement for statement in bare.split(";\n") if statement.strip().rstrip(";")]
