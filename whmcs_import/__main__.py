"""`whmcs-import`: move what a WHMCS sells into Hostler, as often as you like.

    whmcs-import --source …                   import, or with --dry-run only say what would be imported
    whmcs-import suggest-mapping --source …   draft a mapping file from what is sold there
    whmcs-import verify --source …            compare what is here with what is there
    whmcs-import retry --source …             import only what no earlier run could
    whmcs-import retry servers/17 --source …  import these rows of a report's `quarantined`, and nothing else
    whmcs-import rollback RUN                 take back what a run brought and nobody has touched since

Exit code 0: done; 2: done, but rows are in quarantine; 3: refused or aborted, nothing is half-written; 64: wrong usage.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

import msgspec

from domain import ids
from eventstore.database import Connection
from runtime.ids import new_id
from runtime.settings import Settings, SettingsError
from whmcs_import.checking import verify
from whmcs_import.checking.verdict import Verdict
from whmcs_import.mapping import mapping_file, suggest
from whmcs_import.mapping.mapping_file import MappingError, MappingFile
from whmcs_import.planning import crew, memory, plan, settle, target
from whmcs_import.planning.crew import Crew, CrewLost
from whmcs_import.planning.plan import ENTITIES, Plan
from whmcs_import.planning.target import TargetError
from whmcs_import.source import extract
from whmcs_import.source.extract import Dsn, InvalidSource, Known, SourceError, SourceInfo
from whmcs_import.source.staging import Staging, private_copy
from whmcs_import.telling import progress, stopping
from whmcs_import.telling.report import Report
from whmcs_import.writing import load, rollback
from whmcs_import.writing.rollback import Undone

DONE, QUARANTINED, REFUSED, USAGE = 0, 2, 3, 64


def main(argv: list[str] | None = None) -> int:
    """Run one import from the command line; answers with the exit code."""
    stopping.heed()
    try:
        arguments = _arguments(argv)
        _check_writable(arguments.report)
        return COMMANDS[arguments.command](arguments)
    except InvalidSource as error:
        return _refused(error, USAGE)
    except (CrewLost, MappingError, SettingsError, SourceError, TargetError) as error:
        return _refused(error, REFUSED)
    except (OSError, sqlite3.Error) as error:
        return _refused(
            f"it could not go on here ({error}): is there room in {tempfile.gettempdir()}? Run again", REFUSED
        )
    except KeyboardInterrupt:
        return _refused("stopped: what is loaded stays, run again for the rest", REFUSED)


def _import_command(arguments: argparse.Namespace) -> int:
    dsn = extract.parse_dsn(arguments.source)
    file = mapping_file.load(arguments.mapping)
    report = stopping.awaited(_import(arguments, dsn, file, Settings()))
    _print(report.as_json(), report.as_text(), arguments)
    if report.plan.incomplete:
        return REFUSED
    return QUARANTINED if report.sets_aside else DONE


def _suggest_command(arguments: argparse.Namespace) -> int:
    with progress.shown(quiet=arguments.quiet) as tell, private_copy() as staging:
        source = _extract(arguments, extract.parse_dsn(arguments.source), staging, tell)
        _say(suggest.draft(staging, source).rstrip("\n"))
    return DONE


def _verify_command(arguments: argparse.Namespace) -> int:
    dsn, file = extract.parse_dsn(arguments.source), mapping_file.load(arguments.mapping)

    async def compared() -> Verdict:
        async with target.connected(Settings().database_url) as connection:
            insist = arguments.mapping is not None
            return await verify.verify(connection, dsn, arguments.source_name, file, insist=insist)

    verdict = stopping.awaited(compared())
    _print(verdict.as_json(), verdict.as_text(), arguments)
    return QUARANTINED if verdict.differences else DONE


def _rollback_command(arguments: argparse.Namespace) -> int:
    async def undone() -> Undone:
        async with target.connected(Settings().database_url) as connection:
            return await rollback.rollback(connection, arguments.run, dry_run=arguments.dry_run)

    done = stopping.awaited(undone())
    _print(done.as_json(), done.as_text(), arguments)
    return DONE


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "import": _import_command,
    "retry": _import_command,
    "suggest-mapping": _suggest_command,
    "verify": _verify_command,
    "rollback": _rollback_command,
}


async def _import(arguments: argparse.Namespace, dsn: Dsn, file: MappingFile, settings: Settings) -> Report:
    with crew.hired() as (staging, members), progress.shown(quiet=arguments.quiet) as tell:
        async with AsyncExitStack() as stack:
            connection = await stack.enter_async_context(target.connected(settings.database_url))
            writers = [connection]
            if not arguments.dry_run:
                writers.append(await stack.enter_async_context(target.connected(settings.database_url)))
                await target.lock(arguments.source_name, *writers)
            async with target.reading(connection):
                source, made = await _planned(arguments, dsn, connection, staging, members, file, tell)
            retried = settle.only_rows(staging, made, arguments.rows) if arguments.rows else {}
            seen = None
            if arguments.dry_run and os.environ.get("HOSTLER_CONFIG"):
                seen = await _look(settings, made)
            writes = made.changes and not arguments.dry_run and not made.incomplete
            run_id = new_id() if writes else None
            report = Report(
                plan=made,
                source=source,
                source_name=arguments.source_name,
                mapping_name=str(arguments.mapping or "built in"),
                mapping_digest=file.digest,
                dry_run=arguments.dry_run,
                run_id=ids.show(ids.RUN, run_id) if run_id else None,
                live=seen,
                retried=retried,
            )
            if run_id is not None:
                packing = asyncio.create_task(asyncio.to_thread(memory.pack, made, staging.declined()))
                await _load(arguments, writers, staging, members, report, file, run_id, tell)
                if arguments.command == "import":
                    await memory.keep(connection, made, source, _inputs(arguments, file), await packing)
        return report


async def _look(settings: Settings, made: Plan) -> dict[str, Any]:
    from whmcs_import.planning import live  # what speaks with Proxmox takes long to import

    return await live.look(settings.config.cluster, made.adoption)


def _inputs(arguments: argparse.Namespace, file: MappingFile) -> bytes:
    return memory.inputs(file, include_idle=arguments.include_idle)


async def _planned(
    arguments: argparse.Namespace,
    dsn: Dsn,
    connection: Connection,
    staging: Staging,
    members: Crew,
    file: MappingFile,
    tell: progress.Report,
) -> tuple[SourceInfo, Plan]:
    """The plan, remembered where nothing has changed, else made of what is read."""
    known = await memory.known(connection, arguments.source_name, _inputs(arguments, file))
    source = _extract(arguments, dsn, staging, tell, known)
    if known is not None and source.digests == known.digests:
        made = await _plan(arguments, connection, staging, members, file, tell, recalled=True)
        if made is not None and made.changes == 0:
            return source, made
        staging.plan_nothing()
        source = _extract(arguments, dsn, staging, tell)
    made = await _plan(arguments, connection, staging, members, file, tell)
    assert made is not None
    return source, made


def _extract(
    arguments: argparse.Namespace, dsn: Dsn, staging: Staging, tell: progress.Report, known: Known | None = None
) -> SourceInfo:
    return extract.extract(
        dsn,
        staging,
        lambda table, rows, about: tell("read", table, rows, about),
        allow_writer=arguments.i_know,
        loose="lock" if arguments.lock_source else "accept" if arguments.allow_inconsistent else "prove",
        known=known,
    )


async def _plan(
    arguments: argparse.Namespace,
    connection: Connection,
    staging: Staging,
    members: Crew,
    file: MappingFile,
    tell: progress.Report,
    *,
    recalled: bool = False,
) -> Plan | None:
    total = staging.count("tblhosting")
    name = arguments.source_name
    earlier = await target.earlier(connection, name)
    if recalled:
        made = await memory.recall(connection, staging, name, file, earlier)
    else:
        made = plan.make(
            staging,
            name,
            file,
            earlier,
            lambda what, done: tell("map", what, done, total),
            include_idle=arguments.include_idle,
            crew=members,
            known=await memory.groups(connection, name, _inputs(arguments, file)),
        )
    if made is not None:
        await settle.settle(connection, staging, made, file, overwrite=arguments.overwrite)
        if arguments.command == "retry" and not arguments.rows:
            settle.only_new(staging, made)
    return made


async def _load(
    arguments: argparse.Namespace,
    writers: Sequence[Connection],
    staging: Staging,
    members: Crew,
    report: Report,
    file: MappingFile,
    run_id: UUID,
    tell: progress.Report,
) -> None:
    made = report.plan
    await load.load(
        writers,
        staging,
        made,
        file,
        run_id=run_id,
        mode="manage" if arguments.manage else "observe",
        report=report.for_the_log(),
        progress=lambda name, done: tell("write", name, done, made.entities[name].changes),
        crew=members,
    )


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = _parser()
    arguments = parser.parse_intermixed_args(argv)
    if arguments.source is None and arguments.command != "rollback":
        parser.error("--source is missing")
    if arguments.named and arguments.command not in ("rollback", "retry"):
        parser.error(f"{' '.join(arguments.named)} means nothing to {arguments.command}")
    if arguments.command == "rollback" and len(arguments.named) != 1:
        parser.error("rollback needs the run to take back, and only one")
    try:
        arguments.run = _run(arguments.named[0]) if arguments.command == "rollback" else None
        arguments.rows = [_row(name) for name in arguments.named] if arguments.command == "retry" else []
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="whmcs-import", description="Move what a WHMCS sells into Hostler.", epilog=_EPILOG)
    parser.add_argument("command", nargs="?", choices=tuple(COMMANDS), default="import", help="default: import")
    parser.add_argument(
        "named", nargs="*", metavar="RUN|ROW", help="the run that rollback takes back; the rows that retry tries"
    )
    parser.add_argument("--source", metavar="mysql://user:password@host:port/database")
    parser.add_argument(
        "--source-name", type=_name, default="whmcs", help="what this WHMCS is called here (default: whmcs)"
    )
    parser.add_argument("--mapping", type=Path, metavar="FILE", help="the mapping file (default: a built-in one)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, write nothing")
    parser.add_argument("--manage", action="store_true", help="manage adopted servers instead of only observing them")
    parser.add_argument("--overwrite", action="store_true", help="let the source win over changes that were made here")
    parser.add_argument("--include-idle", action="store_true", help="import clients without servers too")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the whole report there as JSON")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the report on stdout")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.add_argument("--i-know", action="store_true", help="accept a source user who could write")
    parser.add_argument("--lock-source", action="store_true", help="lock tables without snapshots while they are read")
    parser.add_argument(
        "--allow-inconsistent",
        action="store_true",
        help="accept that tables without snapshots change while they are read",
    )
    return parser


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name: use small letters, digits, dots and dashes")
    return text


def _run(text: str) -> UUID:
    if (run := ids.parse(ids.RUN, text)) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no run: its id stands in the import's report")
    return run


def _row(text: str) -> tuple[str, str]:
    name, _, source_id = text.partition("/")
    if name not in (*ENTITIES, "logins") or not source_id:
        raise argparse.ArgumentTypeError(f"{text!r} is no row: name it as a report does, servers/17 or logins/client-5")
    return name, source_id


_EPILOG = "Exit code 0: done; 2: done, rows are in quarantine; 3: refused or aborted; 64: wrong usage."


class _Parser(argparse.ArgumentParser):
    """Answers wrong usage with the exit code that sysexits.h has for it."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}: see {self.prog} --help\n")


def _check_writable(report: Path | None) -> None:
    """Find out before anything is done whether its report can be kept."""
    if report is not None and (report.is_dir() or not os.access(report if report.exists() else report.parent, os.W_OK)):
        raise SettingsError(f"--report {report}: cannot be written there: name a file in a folder that exists")


def _print(whole: dict[str, Any], text: str, arguments: argparse.Namespace) -> None:
    written = _indented(whole) if arguments.report is not None or arguments.format == "json" else ""
    if arguments.report is not None:
        arguments.report.write_text(written + "\n", encoding="utf-8")
    _say(written if arguments.format == "json" else text)


def _indented(whole: dict[str, Any]) -> str:
    """As JSON that people can read too; the encoder of the standard library takes seconds for a large shop's."""
    try:
        return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()
    except UnicodeEncodeError:  # a lone surrogate somewhere in it
        return json.dumps(whole, indent=2)


def _say(text: str) -> None:
    """To stdout, whatever its encoding; who reads only the head of it has read enough."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refused(message: object, code: int) -> int:
    print(f"whmcs-import: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
