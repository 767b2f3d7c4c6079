"""Compare accounts, users and who may act for whom. Shares no code with what imported them but the spelling of ids."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any
from uuid import UUID

import argon2

from domain import ids
from eventstore.database import Connection
from whmcs_import.checking.recount import clean
from whmcs_import.checking.there import Row, Source, letters, spelled, whole
from whmcs_import.checking.verdict import Verdict
from whmcs_import.planning import target

WINDOW = 2000
MOST_DIGESTS = 200  # of old passwords that are hashed again to be compared: that takes its time
PROFILE: tuple[str, ...] = (
    "address1",
    "address2",
    "city",
    "state",
    "postcode",
    "country",
    "phonenumber",
    "tax_id",
    "language",
)
PROFILE += ("datecreated", "taxexempt")
CLIENTS = f"""
    SELECT c.id, c.email, c.status, c.companyname, c.firstname, c.lastname, k.code, g.groupname,
           {", ".join(f"c.{name}" for name in PROFILE)}
      FROM tblclients c
      LEFT JOIN tblcurrencies k ON k.id = c.currency
      LEFT JOIN tblclientgroups g ON g.id = c.groupid"""
MEMBERS = "SELECT m.client_id, m.auth_user_id, m.owner, m.permissions FROM tblusers_clients m"
SUB_ACCOUNTS = "SELECT c.userid, c.id, 0, c.permissions FROM tblcontacts c WHERE c.subaccount = 1"
USER_IDS, CLIENT_IDS = "SELECT u.id FROM tblusers u", "SELECT c.id FROM tblclients c"
USERS = "SELECT u.id, u.email, u.first_name, u.last_name, u.second_factor, u.password FROM tblusers u"
CLIENT_LOGINS = "SELECT c.id, c.email, c.firstname, c.lastname, c.authmodule, c.password FROM tblclients c"
CONTACT_LOGINS = (
    "SELECT c.id, c.email, c.firstname, c.lastname, '', c.password FROM tblcontacts c WHERE c.subaccount = 1"
)
BCRYPT = r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}"
HASHES = {"bcrypt": BCRYPT, "md5": "[0-9a-f]{32}", "md5_salt": "[0-9a-f]{32}:.+", "sha256_key": "[0-9a-f]{64}:.+"}
Roles = dict[UUID, tuple[str, tuple[str, ...]]]


class People:
    """The comparison of all that is here of a source's people; `users` and `accounts` are the ids of those that are."""

    def __init__(self, verdict: Verdict, connection: Connection, there: Source, source: str):
        self._verdict = verdict
        self._connection = connection
        self._there = there
        self._source = source
        self._of_8 = there.has("tblusers")
        self._digests = 0
        self._known: set[str] = set()  # the streams of users who are here or were
        self.users: set[str] = set()
        self.accounts: set[str] = set()

    async def compare(self, owners: Collection[str], erased: Collection[tuple[str, str]]) -> None:
        """Every account and user that is here with its row there; `owners` are the clients whose servers are here."""
        self.accounts = await target.imported_ids(self._connection, self._source, "client")
        self.users = await target.imported_ids(self._connection, self._source, "user")
        gone = {id for entity, id in erased if entity == "client"}
        for client in sorted(set(owners) - self.accounts - gone):
            self._verdict.differ("accounts", client, "row", "owns servers that are here", "not imported")
        forgotten = {id for entity, id in erased if entity == "user"}
        self._known = {str(ids.imported(self._source, "user", key)) for key in self.users | forgotten}
        await self._clients()
        await self._people()

    async def _clients(self) -> None:
        missing, seen = set(self.accounts), 0
        members = self._members()
        for rows in _windows(self._there.ask(CLIENTS)):
            seen += len(rows)
            known = [id for id in (str(whole(row[0])) for row in rows) if id in self.accounts]
            here = await target.imported_now(self._connection, self._source, "client", known, "account.imported")
            streams = [ids.imported(self._source, "client", id) for id in known]
            added: defaultdict[UUID, set[str]] = defaultdict(set)
            for member in await target.members_added(self._connection, streams):
                added[member["stream_id"]].add(json.loads(member["data"])["user_id"])
            for row in rows:
                if (said := here.get(id := str(whole(row[0])))) is None:
                    continue
                missing.discard(id)
                self._client(row, said)
                let_in = added[ids.imported(self._source, "client", id)]
                self._roles(id, said["members"], members.get(whole(row[0]), {}), let_in)
        for id in sorted(missing, key=int):
            self._verdict.differ("accounts", id, "row", "gone", "imported")
        self._verdict.counts["accounts"] = {"there": seen, "here": len(self.accounts)}

    def _client(self, row: Row, said: Mapping[str, Any]) -> None:
        id, email, status, company, first, last, currency, group, *rest = row
        compare = self._verdict.compare
        compare("accounts", id, "status", clean(str(status)).lower(), said["status"])
        compare("accounts", id, "currency", clean(str(currency or "")), said["currency"])
        if "email" not in said:
            return  # erased here
        compare("accounts", id, "email", _address(email), _address(said["email"]))
        whom = clean(str(company or "")) or f"{clean(str(first or ''))} {clean(str(last or ''))}".strip()
        compare("accounts", id, "name", *spelled(whom or f"client {whole(id)}", said["name"]))
        texts = {"first_name": first, "last_name": last, "company": company, "group": group}
        texts |= dict(zip(PROFILE, rest, strict=True))
        for name, text in texts.items():
            theirs = "" if text is None else clean(str(text))
            compare("accounts", id, name, *spelled(theirs, said["profile"].get(name)))
        compare("accounts", id, "profile", set(), said["profile"].keys() - texts.keys())

    def _roles(self, id: str, here: list[dict[str, Any]], there: Roles, let_in: Collection[str]) -> None:
        ours = {
            member["user_id"]: (member["role"], tuple(sorted(filter(None, map(letters, member["permissions"])))))
            for member in here
        }
        theirs = {str(user): what for user, what in there.items()}
        ours = {user: what for user, what in ours.items() if user in theirs or user not in let_in}
        self._verdict.compare("accounts", id, "members", sorted(theirs.items()), sorted(ours.items()))
        for user in theirs.keys() - self._known:
            self._verdict.differ("accounts", id, "members", user, "not imported")

    def _members(self) -> dict[int, Roles]:
        """Who may act for a client: the first owner owns it, the others may look."""
        known = {whole(row[0]) for row in self._there.ask(USER_IDS)}
        rows: dict[int, list[tuple[bool, int, str, Any]]] = defaultdict(list)
        for client, user, owner, permissions in self._there.ask(MEMBERS):
            if whole(user) in known and self._of_8:
                rows[whole(client)].append((whole(owner) > 0, whole(user), str(whole(user)), permissions))
        if not self._of_8:
            for (client,) in self._there.ask(CLIENT_IDS):
                rows[whole(client)].append((True, whole(client), f"client-{whole(client)}", ""))
            for client, contact, _, permissions in self._there.ask(SUB_ACCOUNTS):
                rows[whole(client)].append((False, whole(contact), f"contact-{whole(contact)}", permissions))
        found: dict[int, Roles] = {}
        for client, users in rows.items():
            _, first = min(((user, key) for owns, user, key, _ in users if owns), default=(0, ""))
            found[client] = {
                ids.imported(self._source, "user", key): (
                    "owner" if key == first else "viewer",
                    _permissions(permissions),
                )
                for _, _, key, permissions in users
            }
        return found

    async def _people(self) -> None:
        missing, seen = set(self.users), 0
        tables = {"": USERS} if self._of_8 else {"client-": CLIENT_LOGINS, "contact-": CONTACT_LOGINS}
        logins = {user: address for address, user in (await target.logins(self._connection)).items()}
        wanting: list[tuple[str, str, str | None]] = []  # who cannot sign in, with which address, and why
        open_to: Counter[str] = Counter()
        for prefix, query in tables.items():
            for rows in _windows(self._there.ask(query)):
                seen += len(rows)
                known = [key for key in (f"{prefix}{whole(row[0])}" for row in rows) if key in self.users]
                here = await target.imported_now(self._connection, self._source, "user", known, "user.imported")
                streams = [ids.imported(self._source, "user", key) for key in known]
                kept = await target.credentials(self._connection, streams)
                for row in rows:
                    if (said := here.get(key := f"{prefix}{whole(row[0])}")) is None:
                        continue
                    missing.discard(key)
                    self._user(key, row, said, logins, kept)
                    address = _address(row[1])
                    if said["login"]:
                        open_to[address] += 1
                    else:
                        wanting.append((key, address, said["login_problem"]))
        for key, address, problem in wanting:
            self._refused(key, address, problem, open_to[address], logins)
        for id in sorted(missing):
            self._verdict.differ("users", id, "row", "gone", "imported")
        self._verdict.counts["users"] = {"there": seen, "here": len(self.users)}

    def _user(
        self,
        key: str,
        row: Row,
        said: Mapping[str, Any],
        logins: Mapping[UUID, str],
        kept: Mapping[UUID, tuple[str, str]],
    ) -> None:
        _, email, first, last, factor, password = row
        compare = self._verdict.compare
        compare("users", key, "second_factor", bool(factor), said["had_two_factor"])
        compare("users", key, "password_scheme", _scheme(password), said["password_scheme"])
        if "email" not in said:
            return  # erased here
        compare("users", key, "email", _address(email), _address(said["email"]))
        whom = f"{clean(str(first or ''))} {clean(str(last or ''))}".strip()
        compare("users", key, "name", *spelled(whom, said["name"]))
        stream = ids.imported(self._source, "user", key)
        if said["login"]:
            compare("users", key, "login_problem", None, said["login_problem"])
            compare("users", key, "login", True, stream in logins)
            self._password(key, str(password or ""), kept.get(stream))

    def _password(self, key: str, raw: str, kept: tuple[str, str] | None) -> None:
        """The hash that is kept opens to the same password, unless somebody has set one here since."""
        scheme = _scheme(raw)
        if kept is None or kept[0] == "argon2id":
            self._verdict.compare("users", key, "password", scheme == "none" or kept is not None, True)
            return
        if scheme == "bcrypt" or kept[0] != scheme:
            self._verdict.compare("users", key, "password", True, kept == (scheme, raw))
            return
        digest, _, salt = raw.partition(":")
        wrapped, _, kept_salt = kept[1].partition(":")
        same = salt == kept_salt
        if self._digests < MOST_DIGESTS:
            self._digests += 1
            try:
                argon2.PasswordHasher().verify(wrapped, digest.lower())
            except argon2.exceptions.Argon2Error:
                same = False
        self._verdict.compare("users", key, "password", True, same)

    def _refused(self, key: str, address: str, problem: str | None, others: int, logins: Mapping[UUID, str]) -> None:
        """Whoever cannot sign in has an address that is none, or one with which somebody else does."""
        if not _is_address(address):
            right = {"email_invalid"}
        elif others:
            right = {"email_collision", "email_taken"}
        else:
            right = {"email_taken"} if address in logins.values() else set()
        self._verdict.admit("users", key, "login_problem", right, problem)


def _windows(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while window := list(islice(rows, WINDOW)):
        yield window


def _address(raw: object) -> str:
    return unicodedata.normalize("NFKC", clean(str(raw or ""))).strip().lower()


def _is_address(text: str) -> bool:
    name, at, host = text.partition("@")
    plain = not re.search(r"[@\s,;<>\"()]", name + host) and len(text) <= 254
    return plain and bool(at and name) and re.fullmatch(r".+\.[^.]{2,}", host) is not None


def _scheme(raw: object) -> str:
    text = str(raw or "")
    storable = not re.search("[\x00\ud800-\udfff\ufffd]", text)
    found = (name for name, form in HASHES.items() if re.fullmatch(form, text, re.DOTALL | re.IGNORECASE))
    scheme = next(found, "none") if storable else "none"
    return scheme if scheme != "bcrypt" or re.fullmatch(BCRYPT, text) else "none"


def _permissions(raw: object) -> tuple[str, ...]:
    text = clean(str(raw or ""))
    try:
        words = json.loads(text) if text.startswith("[") else text.split(",")
    except ValueError:
        words = text.strip("[]").split(",")
    return tuple(sorted(letters(word) for word in words if letters(word)))
