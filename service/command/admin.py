"""hostler-admin: what an operator does at the command line."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from domain.installation.events import EffectsPaused, EffectsResumed, RemovalsLetThrough
from domain.record import Actor, Meta
from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.database import DatabaseUnavailable, NotMigrated, open_pool
from eventstore.store import AppendError, EventStore
from runtime.settings import Settings, SettingsError, read_secret
from service.command import backup as backing_up
from service.command import keys, migrate
from service.command import proxmox as proxmox_admin
from service.command import restore as restoring
from service.command.archive import BadArchive
from service.command.declare import apply_catalogue
from service.command.doctor import examine
from service.command.migrate import MigrationFailed
from service.command.operator import operator
from service.decisions.record import decide
from service.identity import people
from service.identity.people import EmailTaken
from service.reads import SQL
from service.staff import addresses, clusters

SHORTEST_PASSWORD = 8
META = Meta(actor=Actor(type="system", id="hostler-admin"))
EXPECTED = (
    SettingsError,
    DatabaseUnavailable,
    NotMigrated,
    MigrationFailed,
    EmailTaken,
    BadArchive,
    restoring.CannotRestore,
    *proxmox_admin.EXPECTED,
)
Command = Callable[[argparse.Namespace, Settings], Coroutine[None, None, int]]


class Mistake(Exception):
    """What was asked cannot be done; the message says why."""


async def migrate_database(asked: argparse.Namespace, settings: Settings) -> int:
    """bring the database to the newest schema"""
    deployed = await asyncio.to_thread(migrate.deploy, settings.database_url)
    for change in deployed:
        print(f"deployed {change}")
    print(f"{len(deployed)} changes deployed" if deployed else "nothing to deploy: the database is up to date")
    return 0


async def create_admin(asked: argparse.Namespace, settings: Settings) -> int:
    """create an administrator"""
    return await _create(asked, settings, people.register_admin)


async def create_user(asked: argparse.Namespace, settings: Settings) -> int:
    """create a customer with an account"""
    return await _create(asked, settings, people.register_customer)


async def declare_catalogue(asked: argparse.Namespace, settings: Settings) -> int:
    """bring plans, images and locations to what hostler.toml says"""
    async with _store(settings) as store:
        lines = await apply_catalogue(store, settings.config, META)
    print("\n".join(lines) or "nothing to change: the catalogue is as hostler.toml says")
    return 0


async def doctor(asked: argparse.Namespace, settings: Settings) -> int:
    """look at everything the programs need, and say what is wrong"""
    wrong = 0
    async for finding in examine(settings):
        wrong += finding.wrong is not None
        verdict, detail = ("WRONG", finding.wrong) if finding.wrong else ("ok", finding.detail)
        print(f"{verdict:5}  {finding.name}{f': {detail}' if detail else ''}")
    return 1 if wrong else 0


async def pause(asked: argparse.Namespace, settings: Settings) -> int:
    """stop every effect on Proxmox at once; what was begun is finished when resumed"""
    await _switch(settings, paused=True, reason=asked.reason)
    print("effects are paused: nothing changes on Proxmox until `hostler-admin resume`")
    return 0


async def resume(asked: argparse.Namespace, settings: Settings) -> int:
    """allow effects on Proxmox again"""
    await _switch(settings, paused=False, reason=asked.reason)
    print("effects go on")
    return 0


async def backup(asked: argparse.Namespace, settings: Settings) -> int:
    """write everything that cannot be built anew into one file, while the programs run"""
    async with _store(settings) as store, store.pool.acquire() as connection:
        try:
            rows, size = await backing_up.backup(connection, asked.file)
        except OSError as error:
            raise Mistake(f"{asked.file} cannot be written: {error.strerror or error}") from None
    others = sum(rows.values()) - rows["event"]
    print(f"{rows['event']} events and {others} other rows are in {asked.file} ({size / 1024:.0f} KiB)")
    return 0


async def restore(asked: argparse.Namespace, settings: Settings) -> int:
    """fill a database from such a file; every program must be stopped"""
    try:
        done = await restoring.restore(settings.database_url, asked.file, settings.config, replace_all=asked.replace)
    except OSError as error:
        raise Mistake(f"{asked.file} cannot be read: {error.strerror or error}") from None
    print(f"{done.events} events of {done.header.at} are restored, as the log {done.log_id}; everybody signs in again")
    print(f"operations that were under way and wait for staff: {done.held}")
    print(f"terminations whose time to be undone begins anew: {done.postponed}")
    print("removals of servers wait for staff: look at the drift first, then `hostler-admin allow-destroys`")
    return 0


async def allow_destroys(asked: argparse.Namespace, settings: Settings) -> int:
    """let removals of servers go on that wait because there are many of them"""
    decision = RemovalsLetThrough(minutes=asked.minutes, reason=asked.reason or "", operator=operator())
    async with _store(settings) as store:
        await decide(store, META, decision, lambda c: c.execute(SQL.allow_destroys, asked.minutes))
    print(f"for {asked.minutes} minutes no removal waits for staff")
    return 0


async def maintenance(asked: argparse.Namespace, settings: Settings) -> int:
    """begin or end the maintenance of a cluster or one of its nodes: meanwhile operations on it wait"""
    if asked.cluster not in {cluster.name for cluster in settings.config.cluster}:
        raise Mistake(f"hostler.toml has no cluster {asked.cluster}")
    reason = (asked.reason or "") if asked.switch == "on" else None
    async with _store(settings) as store:
        changed = await clusters.set_maintenance(store, META, asked.cluster, asked.node, reason)
    what = f"node {asked.node} of {asked.cluster}" if asked.node else f"cluster {asked.cluster}"
    print(f"{what}: maintenance {'' if changed else 'was already '}{asked.switch}")
    return 0


async def address(asked: argparse.Namespace, settings: Settings) -> int:
    """say which server had an address at a time, or all that ever had it"""
    try:
        at, wanted = asked.at and datetime.fromisoformat(asked.at), ip_address(asked.address)
    except ValueError as error:
        raise Mistake(str(error)) from None
    async with _store(settings) as store:
        holders = await addresses.who_had(store.pool, wanted, addresses.moment(at))
    for one in holders:
        until = f"{one['until']:%Y-%m-%d %H:%M:%S}" if one["until"] else "now"
        where = f"{one['cluster']} {one['vmid']}" if one["vmid"] else "nowhere"
        print(
            f"{one['since']:%Y-%m-%d %H:%M:%S} - {until} UTC  {one['server']}  {one['name']}  {one['account']}  {where}"
        )
    if not holders:
        print("nobody of Hostler's had it then" if at else "nobody of Hostler's ever had it")
    return 0


COMMANDS: dict[str, Command] = {
    "migrate": migrate_database,
    "create-admin": create_admin,
    "create-user": create_user,
    "apply-catalogue": declare_catalogue,
    "doctor": doctor,
    "pause": pause,
    "resume": resume,
    "maintenance": maintenance,
    "address": address,
    "allow-destroys": allow_destroys,
    "backup": backup,
    "restore": restore,
    "keys": keys.run,
    "proxmox": proxmox_admin.run,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit 0 when it is done, 1 when not, 64 for wrong usage."""
    asked = _parser().parse_args(arguments)
    try:
        code = asyncio.run(COMMANDS[asked.command](asked, Settings()))
        sys.stdout.flush()
    except BrokenPipeError:
        code = _unread()
    except (*EXPECTED, Mistake) as error:
        print(f"hostler-admin: {error}", file=sys.stderr)
        code = 1
    except AppendError:
        print("hostler-admin: somebody else changed the same thing at this moment: try again", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _unread() -> int:
    """Whoever read the output has seen enough, as `head` does: the exit code that SIGPIPE gives in a shell."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        self.exit(64, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="hostler-admin", description="What an operator does at the command line.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    for name, command in COMMANDS.items():
        added = commands.add_parser(name, help=command.__doc__, description=command.__doc__)
        if name in ("create-admin", "create-user"):
            added.add_argument("--email", required=True)
            added.add_argument("--name", default="", help="what the person is called")
            added.add_argument("--password-file", type=Path, help="asked for on the terminal when left out")
        if name == "pause":
            added.add_argument("--reason", default=None, help="shown to staff while effects are paused")
        if name in ("resume", "allow-destroys"):
            added.add_argument("--reason", default=None, help="kept with the decision")
        if name == "allow-destroys":
            added.add_argument("--minutes", type=int, choices=range(1, 1441), metavar="1..1440", default=10)
        if name in ("backup", "restore"):
            added.add_argument("file", type=Path)
        if name == "restore":
            added.add_argument("--replace", action="store_true", help="even if the database has events: they are lost")
        if name == "maintenance":
            added.add_argument("cluster")
            added.add_argument("node", nargs="?", help="the whole cluster when left out")
            added.add_argument("switch", choices=("on", "off"))
            added.add_argument("--reason", default=None, help="shown to staff")
        if name == "address":
            added.add_argument("address")
            added.add_argument("--at", default=None, help="such as 2026-03-03T14:05, UTC unless it says otherwise")
        if name == "keys":
            keys.add_arguments(added, _Parser)
        if name == "proxmox":
            proxmox_admin.add_arguments(added, _Parser)
    return parser


Register = Callable[..., Awaitable[object]]


async def _create(asked: argparse.Namespace, settings: Settings, register: Register) -> int:
    email = _email(asked.email)
    password = _password(asked.password_file)
    async with _store(settings) as store:
        await register(store, email=email, name=asked.name or email.partition("@")[0], password=password, meta=META)
    print(f"{email} can sign in")
    return 0


def _email(text: str) -> str:
    local, at, domain = text.strip().rpartition("@")
    if not (local and at and domain) or any(c.isspace() for c in text.strip()):
        raise Mistake(f"{text!r} is not an e-mail address")
    return text.strip()


def _password(file: Path | None) -> str:
    if file is not None:
        password = read_secret(file, "--password-file").decode()
    else:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise Mistake("the two passwords differ")
    if len(password) < SHORTEST_PASSWORD:
        raise Mistake(f"a password has at least {SHORTEST_PASSWORD} characters")
    return password


async def _switch(settings: Settings, *, paused: bool, reason: str | None) -> None:
    decision = (EffectsPaused if paused else EffectsResumed)(reason=reason or "", operator=operator())
    async with _store(settings) as store:
        await decide(store, META, decision, lambda c: c.execute(SQL.switch_effects, paused, reason, None))


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[EventStore]:
    pool = await open_pool(settings.database_url, size=2, application="hostler-admin")
    try:
        yield EventStore(pool, Codec(EVENTS))
    finally:
        await pool.close()


if __name__ == "__main__":
    main()
