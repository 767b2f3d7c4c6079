"""hostler-admin keys: the keys that access tokens are signed with."""

from __future__ import annotations

import argparse

import asyncpg

from eventstore.database import check_migrated, connect
from runtime.sealing import load_seal
from runtime.settings import Settings
from service.identity import signing_keys
from service.identity.statements import SQL
from service.identity.tokens import KEYS_SECONDS
from service.people.impersonation import SECONDS as IMPERSONATION_SECONDS


def add_arguments(parser: argparse.ArgumentParser, parser_class: type[argparse.ArgumentParser]) -> None:
    """The grammar of both commands."""
    verbs = parser.add_subparsers(dest="verb", required=True, parser_class=parser_class)
    verbs.add_parser("list", help="every key there ever was, the newest first")
    rotate = verbs.add_parser("rotate", help="sign with a new key from now on, in every process")
    rotate.add_argument(
        "--at-once", action="store_true", help="trust the old key no longer: everybody's browser renews its token"
    )


async def run(asked: argparse.Namespace, settings: Settings) -> int:
    """list the keys that access tokens are signed with, or sign with a new one"""
    connection = await connect(settings.database_url)
    try:
        await check_migrated(connection)
        if asked.verb == "rotate":
            auth = settings.config.auth
            seconds = 0.0 if asked.at_once else max(auth.access_seconds, IMPERSONATION_SECONDS) + KEYS_SECONDS
            kid = await signing_keys.rotate(connection, load_seal(auth.secret_key_file), seconds)
            print(f"{kid} signs from now on; what was signed before holds for {seconds:.0f} seconds at most")
        else:
            rows = await connection.fetch(SQL.all_signing_keys)
            print("\n".join(map(_line, rows)) or "no key yet: the service makes one when it starts")
    finally:
        await connection.close()
    return 0


def _line(row: asyncpg.Record) -> str:
    if row["ends_at"] is None:
        fate = "signs"
    else:
        fate = f"{'holds until' if row['holds'] else 'ended'} {row['ends_at']:%Y-%m-%d %H:%M:%S} UTC"
    return f"{row['kid']}  made {row['created_at']:%Y-%m-%d %H:%M:%S} UTC  {fate}"
