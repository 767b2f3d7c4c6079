"""Write everything that cannot be built anew into one file, as it was at one moment, while the programs run."""

from __future__ import annotations

from datetime import UTC, datetime
from graphlib import TopologicalSorter
from pathlib import Path

from eventstore.database import Connection
from eventstore.queries import Queries
from eventstore.store import SQL as LOG
from service.command import migrate
from service.command.archive import Header, Table, Writer

SQL = Queries("service.command")
# What a restored installation begins without. Views are never in a backup either.
LEFT_OUT = {
    "log": "a restored log is another log",
    "checkpoint": "how far the views are",
    "follower": "how far the log was told: a restored log is told from its end on",
    "webhook_lane": "what waited to be sent is sent again by a replay",
    "webhook_delivery": "messages are about positions of the log that was",
    "webhook_attempt": "goes with the messages",
    "webhook_replay": "goes with the messages",
    "cluster_observation": "what was last seen is out of date",
    "import_memory": "the next import finds it out again",
    "node_sight": "what was last seen is out of date",
    "slot": "leases on tasks that ended long ago",
    "session": "a session that was ended since must not come back: everybody signs in again",
    "refresh_token": "goes with the sessions",
    "login_attempt": "slows down guesses made just now",
}


async def backup(connection: Connection, path: Path) -> tuple[dict[str, int], int]:
    """Write the backup; the rows of each table and the size of the file in bytes.

    Raises:
        FileExistsError: the file is there already.
        OSError: it cannot be written.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(SQL.plain_text)
        log_id = await connection.fetchval(LOG.log_id)
        schema = await newest_change(connection)
        writer = Writer(path, Header(schema, str(log_id), datetime.now(UTC).isoformat(timespec="seconds")))
        try:
            rows = {table.name: await _copy(connection, writer, table) for table in await tables(connection)}
            return rows, writer.finish()
        except BaseException:
            writer.abandon()
            raise


async def newest_change(connection: Connection) -> str:
    """The last change of the schema that was deployed here; without a record of it, the last one that is known."""
    found = await connection.fetchval(SQL.newest_change) if await connection.fetchval(SQL.has_history) else None
    return str(found or migrate.changes()[-1])


async def tables(connection: Connection) -> list[Table]:
    """What is backed up; a table comes after those it refers to."""
    rows = await connection.fetch(SQL.backed_up_tables, list(LEFT_OUT))
    found = {row["name"]: Table(row["name"], row["columns"]) for row in rows}
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(found, ()))
    for row in await connection.fetch(SQL.referring_tables):
        if row["name"] in found:
            order.add(row["name"], row["refers_to"])
    return [found[name] for name in order.static_order()]


async def _copy(connection: Connection, writer: Writer, table: Table) -> int:
    writer.begin(table)

    async def write(rows: bytes) -> None:
        writer.write(rows)

    done: str = await connection.copy_from_query(_query(table), output=write)
    count = int(done.split()[-1])
    writer.end(table, count)
    return count


def _query(table: Table) -> str:
    made = {
        "event": (SQL.copied_events, {"tx", "pos"}),
        "outbox": (SQL.copied_outbox, {"tx", "pos", "token", "attempts", "error"}),
    }
    statement, own = made.get(table.name, (SQL.copied, set()))
    others = ", ".join(column for column in table.columns if column not in own)
    query = statement.format(table=table.name, columns=", ".join(table.columns), others=others)
    return query.rstrip(";")
