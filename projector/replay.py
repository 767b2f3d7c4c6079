"""`hostler-replay`: rebuild the views, check them, see a server as it was, follow or export the log.

It reads the log and writes views; nothing here can reach a hypervisor.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from domain import ids
from domain.registry import EVENTS
from domain.server import represent
from domain.server.evolve import fold
from eventstore.codec import Codec
from eventstore.database import FAILED, Connection, NotMigrated, check_migrated, connect
from eventstore.positions import START, Position
from eventstore.queries import Queries
from eventstore.tail import Doorbell, SettledRows
from projector.check import check
from projector.loop import SOON
from projector.poison import Parked, known
from projector.rebuild import RebuildRuns, outdated, rebuild
from projector.scan import scan
from projector.share import ShareLost
from projector.views import tables
from runtime import logs
from runtime.settings import Settings, SettingsError

SQL = Queries("projector")
TAIL_PAGE = 500


class NotThere(Exception):
    """The server is unknown, or did not exist at that time."""


EXPECTED: tuple[type[Exception], ...] = (SettingsError, NotMigrated, NotThere, RebuildRuns, Parked, ShareLost, *FAILED)


async def _rebuild(connection: Connection, arguments: argparse.Namespace) -> int:
    if arguments.outdated and not await outdated(connection):
        print("the views were built by this version: nothing to do")
        return 0
    started = time.monotonic()
    count = await rebuild(connection, arguments.url)
    print(f"rebuilt {len(tables())} views from {count} events in {time.monotonic() - started:.1f} s")
    return 0


async def _check(connection: Connection, arguments: argparse.Namespace) -> int:
    found = 0
    async for line in check(connection):
        print(line)
        found += 1
    print(f"{found or 'no'} difference{'' if found == 1 else 's'}")
    return 1 if found else 0


async def _at(connection: Connection, arguments: argparse.Namespace) -> int:
    rows = await connection.fetch(SQL.stream_until, arguments.server, arguments.time)
    state = fold(None, known(Codec(EVENTS), rows))
    if state is None:
        raise NotThere(f"server {arguments.server} did not exist at {arguments.time.isoformat()}")
    shown = {
        "at": represent.time(arguments.time),
        "server": represent.server(state, {}, staff=True),
        "operation": represent.operation(state.operation, staff=True) if state.operation else None,
    }
    print(msgspec.json.format(msgspec.json.encode(shown)).decode())
    return 0


async def _tail(connection: Connection, arguments: argparse.Namespace) -> int:
    row = await connection.fetchrow(SQL.before_the_last, arguments.lines)
    position = Position(row["tx"], row["pos"]) if row else START
    settled = SettledRows()
    async with Doorbell(arguments.url) as bell:
        while True:
            rows = await settled.read(connection, position, TAIL_PAGE)
            for row in rows:
                print(_line(row), flush=True)
                position = Position(row["tx"], row["pos"])
            if not rows:
                await bell.wait(SOON if settled.waiting else 1.0)


async def _export(connection: Connection, arguments: argparse.Namespace) -> int:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        async for rows in scan(connection):
            sys.stdout.write("".join(_exported(row) for row in rows))
    sys.stdout.flush()
    return 0


def _line(row: asyncpg.Record) -> str:
    place = f"{row['tx']}:{row['pos']}"
    return f"{row['at']:%Y-%m-%dT%H:%M:%S.%fZ} {place} {row['stream_id']} {row['version']} {row['type']} {row['data']}"


def _exported(row: asyncpg.Record) -> str:
    event: dict[str, Any] = dict(row)
    for name in ("data", "meta", "private"):
        event[name] = None if event[name] is None else msgspec.Raw(event[name].encode())
    return msgspec.json.encode(event).decode() + "\n"


def _server_id(text: str) -> UUID:
    try:
        return ids.parse(ids.SERVER, text) or UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no id of a server, such as srv_… or a UUID") from None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no zone: write 2026-03-03T14:05:00Z")
    return moment


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("hostler-replay", description="Rebuild and check the views; look into the log.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    again = commands.add_parser("rebuild", help="build all views anew beside the live ones and swap them in")
    again.add_argument("--outdated", action="store_true", help="only if they were built by an older version")
    again.set_defaults(run=_rebuild)
    commands.add_parser("check", help="print every difference between the log and views or claims").set_defaults(
        run=_check
    )
    at = commands.add_parser("at", help="a server as it was at a time, as JSON")
    at.add_argument("--server", type=_server_id, required=True, help="srv_… or a UUID")
    at.add_argument("--time", type=_moment, required=True, help="such as 2026-03-03T14:05:00Z")
    at.set_defaults(run=_at)
    tail = commands.add_parser("tail", help="print events as they are appended, without personal data")
    tail.add_argument("-n", "--lines", type=int, default=10, help="start with this many earlier events (10)")
    tail.set_defaults(run=_tail)
    commands.add_parser("export", help="the whole log as JSON lines, personal data included").set_defaults(run=_export)
    return parser


async def _run(arguments: argparse.Namespace) -> int:
    arguments.url = Settings().database_url
    connection = await connect(arguments.url, application_name="hostler-replay")
    try:
        await check_migrated(connection)
        code: int = await arguments.run(connection, arguments)
        return code
    finally:
        await connection.close(timeout=2)


def main() -> int:
    """0 done, 1 differences found or not possible, 2 usage."""
    arguments = _parser().parse_args()
    logs.configure("hostler-replay")
    try:
        return asyncio.run(_run(arguments))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads any more
        return 0
    except EXPECTED as error:
        print(f"hostler-replay: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
