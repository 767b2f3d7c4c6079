"""What a run found out, kept for the next one: where nothing changed, nothing is mapped again, and where something
did, only the services that it is about.

What is remembered holds for the same rows, read by the same code, with the same mapping. A plan made from it is the one
that mapping would have made, and only one that writes nothing is ever used.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec

from domain import ids
from eventstore.database import Connection
from runtime import passwords
from whmcs_import.mapping.mapping_file import MappingFile
from whmcs_import.mapping.users import SignIns
from whmcs_import.planning import plan, target
from whmcs_import.planning.findings import Findings
from whmcs_import.planning.outcomes import Groups
from whmcs_import.planning.plan import ENTITIES, Earlier, Plan
from whmcs_import.planning.target import SQL
from whmcs_import.source.extract import Known, SourceInfo
from whmcs_import.source.staging import Staging

_known = msgspec.msgpack.Decoder(Known)
_findings = msgspec.msgpack.Decoder(Findings)
_groups = msgspec.msgpack.Decoder(Groups)
_encode = msgspec.msgpack.encode


def inputs(file: MappingFile, *, include_idle: bool) -> bytes:
    """What besides the rows of the source decides what is found: this code, the mapping, and whom to bring along."""
    parts = _code(), file.digest, str(include_idle)
    return hashlib.sha256("\n".join(parts).encode()).digest()


async def known(connection: Connection, source: str, made_of: bytes) -> Known | None:
    """What the last run read of a source, if it found out the same as one with these `inputs` would."""
    row = await connection.fetchrow(SQL.remembered_rows, source, made_of)
    return None if row is None else _known.decode(row["known"])


async def groups(connection: Connection, source: str, made_of: bytes) -> Groups | None:
    """What the last run found out of each service, if one with these `inputs` would find the same."""
    row = await connection.fetchrow(SQL.remembered_groups, source, made_of)
    return None if row is None or row["groups"] is None else _groups.decode(zlib.decompress(row["groups"]))


async def recall(
    connection: Connection, staging: Staging, source: str, file: MappingFile, earlier: Earlier
) -> Plan | None:
    """The plan as mapping would make it, or None when only mapping can tell."""
    findings = _findings.decode(zlib.decompress(await connection.fetchval(SQL.remembered_findings, source)))
    holders = findings.holders.items()
    if findings.erased != earlier.erased or any(earlier.logins.get(address) != holder for address, holder in holders):
        return None
    payloads = {(entity, source_id): payload for entity, source_id, payload in findings.declined}
    for name, source_id, content in findings.kept:
        row = ENTITIES[name], source_id
        if (action := earlier.action(*row, content)) != "unchanged":
            if row not in payloads:
                return None
            staging.plan([(*row, action, content, payloads[row])])
    return plan.decide(source, file, earlier, findings)


class Packed(NamedTuple):
    """What a plan was made from as it is to be kept, if the run leaves what it is expected to."""

    findings: Findings | None
    text: bytes
    groups: bytes


def pack(made: Plan, declined: list[tuple[str, str, bytes]]) -> Packed:
    """Make it ready while the plan is carried out; `declined` is what staging has taken out of it."""
    if made.findings is None or made.sign_ins is None:
        return Packed(None, b"", b"")
    found = msgspec.structs.replace(made.findings, holders=_expected(made.sign_ins, made.logins), declined=declined)
    return Packed(found, _packed(found), _packed(made.groups))


def _expected(sign_ins: SignIns, logins: Mapping[str, UUID]) -> dict[str, UUID | None]:
    """Who has which address once everybody who can signs in."""
    problems = sign_ins.problems(logins)
    able = {id: read.address for id, read in sign_ins.addresses.items() if read.address and id not in problems}
    opened = {address: sign_ins.streams[id] for id, address in able.items()}
    return sign_ins.holders({**logins, **opened})


def _packed(part: Findings | Groups | None) -> bytes:
    return zlib.compress(_encode(part), 1)


async def keep(connection: Connection, made: Plan, read: SourceInfo, made_of: bytes, packed: Packed) -> None:
    """Remember what a plan that is carried out was made from, or nothing where loading it changed what is found."""
    if packed.findings is None or made.sign_ins is None:
        return
    logins = await target.logins(connection)
    if made.sign_ins.problems(logins) != made.sign_ins.problems(made.logins):
        await connection.execute(SQL.forget_findings, made.source)
        return
    holders, text = made.sign_ins.holders(logins), packed.text
    if holders != packed.findings.holders:
        text = _packed(msgspec.structs.replace(packed.findings, holders=holders))
    known = _encode(Known(read.digests, read.rows))
    await connection.execute(SQL.remember, made.source, made_of, known, text, packed.groups)


@cache
def _code() -> str:
    files = [*Path(__file__).parents[1].rglob("*.py"), Path(ids.__file__), Path(passwords.__file__)]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()
