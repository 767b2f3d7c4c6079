"""Clients become accounts, users become users, and who may act for whom stays as it was. Pure.

Nobody is promoted: the owner of an account is its owner in the source, everyone else may look, with the source's own
words for what else they were allowed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain import ids
from runtime import passwords
from whmcs_import.mapping.options import Note
from whmcs_import.source import values
from whmcs_import.source.staging import CLIENT_LOGINS, CONTACT_LOGINS
from whmcs_import.source.values import Email


class Membership(Struct, frozen=True):
    """A row of tblusers_clients."""

    user: int
    client: int
    owner: bool
    permissions: str | None


class ClientRow(Struct, frozen=True):
    """A row of tblclients; `profile` holds the columns that are merely carried over."""

    id: int
    first_name: str
    last_name: str
    company: str
    email: str
    status: str
    currency: str
    currency_id: int
    group: str
    profile: Mapping[str, Any]


class UserRow(Struct, frozen=True):
    """A row of tblusers."""

    id: int
    first_name: str
    last_name: str
    email: str
    password: str
    second_factor: str


class SignIns(Struct, frozen=True):
    """The users of imported accounts: their addresses, their streams, and which of them own an account."""

    addresses: Mapping[int, Email]
    streams: Mapping[int, UUID]
    owners: set[int]

    @classmethod
    def of(cls, source: str, here: Sequence[UserRow], owners: set[int]) -> SignIns:
        """Those of some rows of a source."""
        addresses = {row.id: values.email(row.email) for row in here}
        return cls(addresses, {row.id: ids.imported(source, "user", key(row.id)) for row in here}, owners)

    def holders(self, logins: Mapping[str, UUID]) -> dict[str, UUID | None]:
        """Of all who sign in here, those with an address of these users."""
        return {address: logins.get(address) for address in sorted({e.address or "" for e in self.addresses.values()})}

    def problems(self, logins: Mapping[str, UUID]) -> dict[int, str]:
        """Which of them cannot sign in and why, given who does already."""
        holders = {id: logins.get(read.address or "") for id, read in self.addresses.items()}
        ours = {None, *self.streams.values()}
        taken = {id for id, holder in holders.items() if holder not in ours}
        holding = {id for id, holder in holders.items() if holder == self.streams[id]}
        return login_problems(self.addresses, self.owners, taken, holding)


def key(id: int) -> str:
    """What a user is called in the source: a row of tblusers, or of what signed in before 8.0."""
    if id >= CONTACT_LOGINS:
        return f"contact-{id - CONTACT_LOGINS}"
    return f"client-{id - CLIENT_LOGINS}" if id >= CLIENT_LOGINS else str(id)


def number(key: str) -> int:
    """The id behind a `key`."""
    table, dash, id = key.rpartition("-")
    return int(id) + ({"contact": CONTACT_LOGINS, "client": CLIENT_LOGINS}[table] if dash else 0)


def account(
    source: str, client: ClientRow, members: Sequence[Membership], *, repair: bool
) -> tuple[dict[str, Any], list[Note]]:
    """The fields of `AccountImported`, run left out; and what was odd."""
    notes: list[Note] = []
    company, first, last = (_clean(raw, notes, repair) for raw in (client.company, client.first_name, client.last_name))
    payload = {
        "source": source,
        "source_id": str(client.id),
        "status": client.status.lower(),
        "currency": client.currency,
        "members": _members(source, members, notes),
        "name": company or f"{first} {last}".strip() or f"client {client.id}",
        "email": values.email(client.email).address or values.text(client.email).value,
        "profile": {
            "first_name": first,
            "last_name": last,
            "company": company,
            "group": client.group,
            **{name: _clean(str(raw), notes, repair) for name, raw in client.profile.items() if raw not in (None, "")},
        },
    }
    return payload, notes


def _members(source: str, members: Sequence[Membership], notes: list[Note]) -> list[dict[str, Any]]:
    owners = sorted(m.user for m in members if m.owner)
    if not owners:
        notes.append(Note("no_owner", "no user owns it: nobody may act for it"))
    elif len(owners) > 1:
        notes.append(Note("two_owners", f"users {', '.join(map(key, owners))} own it: the first one stays owner"))
    return [
        {
            "user_id": str(ids.imported(source, "user", key(member.user))),
            "role": "owner" if member.user in owners[:1] else "viewer",
            "permissions": permissions(member.permissions),
        }
        for member in sorted(members, key=lambda m: m.user)
    ]


def permissions(raw: str | None) -> list[str]:
    """The permissions of a user for an account: a JSON list, or words with commas."""
    text = values.storable(raw or "").strip()
    if text.startswith("["):
        # Escapes in JSON may stand for what was just taken out; and lists in lists may be too deep to read.
        with suppress(ValueError, RecursionError):
            return sorted(values.storable(str(word)) for word in json.loads(text))
    return sorted(word.strip() for word in text.strip("[]").split(",") if word.strip())


def user(source: str, row: UserRow, problem: str | None, *, repair: bool) -> tuple[dict[str, Any], list[Note]]:
    """The fields of `UserImported`, run left out; `problem` is why the address cannot sign in."""
    notes: list[Note] = []
    first, last = _clean(row.first_name, notes, repair), _clean(row.last_name, notes, repair)
    scheme = passwords.scheme_of(row.password)
    if scheme is None:
        notes.append(Note("password_unusable", "it has no password that can be verified"))
    if row.second_factor:
        notes.append(Note("had_two_factor", f"second factor {row.second_factor} cannot be carried over"))
    email = values.email(row.email)
    payload = {
        "source": source,
        "source_id": key(row.id),
        "password_scheme": scheme or "none",
        "had_two_factor": bool(row.second_factor),
        "login": problem is None,
        "login_problem": problem,
        "email": email.address or values.text(row.email).value,
        "name": f"{first} {last}".strip(),
    }
    return payload, notes


def login_problems(
    addresses: Mapping[int, Email], owners: Set[int], taken: Set[int], holding: Set[int] = frozenset()
) -> dict[int, str]:
    """Which users cannot sign in, and why: no address, one that somebody here has, or the same as a better user's.

    `addresses` are by the users' ids. `owners` own an imported account; the addresses of `taken` belong to somebody
    else here. Of several users with one address the one who does so already (`holding`) goes on, else the one who owns
    an imported account signs in, else the one with the lowest id.
    """
    problems: dict[int, str] = {}
    best: dict[str, int] = {}
    for id in sorted(addresses, key=lambda id: (id not in holding, id not in owners, id)):
        read = addresses[id]
        if read.address is None:
            problems[id] = read.problem or "email_invalid"
        elif id in taken:
            problems[id] = "email_taken"
        elif best.setdefault(read.address, id) != id:
            problems[id] = "email_collision"
    return problems


def fingerprint(row: UserRow) -> str:
    """What of a password may be compared and published: never a digest that could be guessed at speed.

    WHMCS has hashed with bcrypt since 6.3, so a password that changes arrives as another bcrypt text.
    """
    scheme = passwords.scheme_of(row.password)
    return row.password if scheme == "bcrypt" else scheme or "none"


def _clean(raw: str, notes: list[Note], repair: bool) -> str:
    if raw.isascii() and raw.isprintable() and "&" not in raw:
        return raw.strip()
    read = values.text(raw, repair=repair)
    notes.extend(Note(code, f"{raw!r} became {read.value!r}") for code in read.notes)
    return read.value
