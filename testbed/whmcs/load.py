"""Making the tables of a schema generation and putting rows into them."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pymysql

from testbed.whmcs.world import Row, World

SCHEMAS = Path(__file__).with_name("schema")


def schemas() -> list[str]:
    """The schema generations there are, by name."""
    return sorted(path.stem for path in SCHEMAS.glob("*.sql"))


def create_tables(connection: "pymysql.Connection[pymysql.cursors.Cursor]", schema: str) -> None:
    """Run the DDL of *schema*, which must be one of `schemas()`."""
    with connection.cursor() as cursor:
        for statement in _statements((SCHEMAS / f"{schema}.sql").read_text(encoding="utf-8")):
            cursor.execute(statement)


def insert(connection: "pymysql.Connection[pymysql.cursors.Cursor]", world: World) -> int:
    """Insert every row of *world*, commit, and return how many there were."""
    total = 0
    with connection.cursor() as cursor:
        for table, rows in world.tables.items():
            for columns, batch in _alike(rows):
                names = ", ".join(f"`{column}`" for column in columns)
                marks = ", ".join(["%s"] * len(columns))
                sql = f"INSERT INTO `{table}` ({names}) VALUES ({marks})"
                cursor.executemany(sql, [tuple(row.values()) for row in batch])
                total += len(batch)
    connection.commit()
    return total


def _alike(rows: list[Row]) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    """*rows* in their order, in runs which have the same columns: those left out take the column's default."""
    for columns, run in groupby(rows, key=_columns):
        yield columns, list(run)


def _columns(row: Row) -> tuple[str, ...]:
    return tuple(row)


def _statements(sql: str) -> Iterator[str]:
    bare = "\n".join(line for line in sql.splitlines() if not line.startswith("--"))
    return (statement for statement in bare.split(";\n") if statement.strip())
