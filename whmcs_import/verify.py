"""Compare what is here with what is there, by other code than the one that imported it.

The source is asked with joins of its own and not through staging; the answers are compared with what the log says. Of
the import's code only the spelling of ids is shared, so that a mistake in reading or mapping rows shows here.
"""

from __future__ import annotations

import html
import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pymysql.cursors import Cursor, SSCursor

from domain import ids
from eventstore.database import Connection
from whmcs_import import extract, target
from whmcs_import.extract import Dsn
from whmcs_import.values import is_secret_name

SERVICES = """
    SELECT h.id, h.userid, h.domain, h.amount, k.code, h.billingcycle, h.nextduedate, h.regdate, h.domainstatus,
           h.dedicatedip, h.assignedips, h.packageid, h.server
      FROM tblhosting h
      LEFT JOIN tblclients c ON c.id = h.userid
      LEFT JOIN tblcurrencies k ON k.id = c.currency"""
OPTIONS = """
    SELECT r.relid, r.configid, o.optiontype, s.optionname, r.qty
      FROM tblhostingconfigoptions r
      JOIN tblproductconfigoptions o ON o.id = r.configid
      LEFT JOIN tblproductconfigoptionssub s ON s.id = r.optionid AND s.configid = r.configid
     ORDER BY r.id"""
FIELDS = """
    SELECT v.relid, v.fieldid, f.fieldname, f.fieldtype, v.value
      FROM tblcustomfieldsvalues v
      JOIN tblcustomfields f ON f.id = v.fieldid
     WHERE f.type = 'product' AND f.fieldtype <> 'password' AND trim(v.value) <> ''"""
ADDONS = "SELECT hostingid, addonid, qty FROM tblhostingaddons WHERE status = 'Active'"
CLIENTS = "SELECT id, email, status, companyname FROM tblclients"
USERS = "SELECT id, email FROM tblusers"
CHOICES = ("1", "2")

Here = dict[str, dict[str, Any]]
Ask = Callable[[str], Iterator[tuple[Any, ...]]]


@dataclass(slots=True)
class Verdict:
    """What was compared and what differs."""

    compared: Counter[str] = field(default_factory=Counter)
    differences: list[dict[str, str]] = field(default_factory=list)
    totals: list[dict[str, str]] = field(default_factory=list)

    def compare(self, entity: str, source_id: object, name: str, there: object, here: object) -> None:
        """Count one comparison, and keep it when the two sides differ."""
        self.compared[f"{entity}.{name}"] += 1
        if there != here:
            self.differ(entity, source_id, name, there, here)

    def differ(self, entity: str, source_id: object, name: str, there: object, here: object) -> None:
        """Keep a difference."""
        self.differences.append(
            {"entity": entity, "source_id": str(source_id), "field": name, "there": str(there), "here": str(here)}
        )

    def as_json(self) -> dict[str, Any]:
        """The verdict for programs."""
        return {
            "equal": not self.differences,
            "compared": dict(sorted(self.compared.items())),
            "differences": self.differences,
            "totals": self.totals,
        }

    def as_text(self) -> str:
        """The verdict for people."""
        lines = [f"{name:28} {count:>9} compared" for name, count in sorted(self.compared.items())]
        lines += [f"  {t['there']:>14} {t['currency']} {t['cycle']} there, {t['here']} here" for t in self.totals]
        lines += [
            f"  differs: {d['entity']} {d['source_id']} {d['field']}: {d['there']!r} there, {d['here']!r} here"
            for d in self.differences
        ]
        return "\n".join([*lines, self._conclusion()])

    def _conclusion(self) -> str:
        count = len(self.differences)
        return f"{count} differences." if count else f"All {self.compared.total()} comparisons are equal."


async def verify(connection: Connection, dsn: Dsn, source: str) -> Verdict:
    """Compare every row that was imported from a source with the row as it is there now.

    Raises:
        SourceError: the source cannot be read.
    """
    servers = await target.imported_now(connection, source, "service", "server.imported", "server.import_updated")
    accounts = await target.imported_now(connection, source, "client", "account.imported")
    people = await target.imported_now(connection, source, "user", "user.imported")
    verdict = Verdict()
    with extract.reading(dsn) as there:

        def ask(query: str) -> Iterator[tuple[Any, ...]]:
            with there.cursor(SSCursor) as cursor:
                cursor.execute(query)
                yield from cursor

        _services(verdict, ask, servers, source)
        _options(verdict, ask, servers)
        _fields(verdict, ask, servers)
        with there.cursor(Cursor) as cursor:
            cursor.execute("SHOW TABLES")
            tables = {str(name).lower() for (name,) in cursor.fetchall()}
        if "tblhostingaddons" in tables:
            _addons(verdict, ask, servers)
        _clients(verdict, ask, accounts)
        if "tblusers" in tables:
            _users(verdict, ask, people)
    return verdict


def _services(verdict: Verdict, ask: Ask, here: Here, source: str) -> None:
    missing = set(here)
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for row in ask(SERVICES):
        said = here.get(str(row[0]))
        if said is None:
            continue
        missing.discard(str(row[0]))
        _service(verdict, row, said, source)
        billing = said["billing"]
        pair = sums.setdefault((billing["currency"], billing["cycle"]), [Decimal(0), Decimal(0)])
        pair[0] += Decimal(row[3])
        pair[1] += Decimal(billing["amount"])
    for id in sorted(missing, key=int):
        verdict.differ("servers", id, "row", "gone", "imported")
    for (currency, cycle), (theirs, ours) in sorted(sums.items()):
        verdict.compare("totals", currency, cycle, theirs, ours)
        verdict.totals.append({"currency": currency, "cycle": cycle, "there": str(theirs), "here": str(ours)})


def _service(verdict: Verdict, row: tuple[Any, ...], said: Mapping[str, Any], source: str) -> None:
    id, client, domain, amount, currency, cycle, due, registered, status, ip, ips, product, server = row
    billing, raw = said["billing"], said.get("raw", {})
    sides = {
        "account": (str(ids.imported(source, "client", str(client))), said["account_id"]),
        "amount": (Decimal(amount), Decimal(billing["amount"])),
        "currency": (currency, billing["currency"]),
        "cycle": (_letters(cycle).removesuffix("account"), _here(billing["cycle"])),
        "next_due": (_day(due), billing["next_due"]),
        "registered": (_day(registered), billing["registered"]),
        "status": (status, billing["source_status"]),
        "suspended": (status == "Suspended", said["suspension"] is not None),
        "addresses": (_addresses(f"{ip} {ips}"), {address["address"] for address in said["addresses"]}),
        "domain": (_letters(domain), _here(raw.get("domain", domain))),
        "product": (product, raw.get("product_id", product)),
        "server": (server or 0, raw.get("server_id", server) or 0),
    }
    for name, (there, ours) in sides.items():
        verdict.compare("servers", id, name, there, ours)


def _options(verdict: Verdict, ask: Ask, here: Here) -> None:
    """The youngest row of an option holds; one that points nowhere says nothing."""
    chosen: dict[tuple[str, int], tuple[str, str]] = {}
    for service, option, kind, choice, qty in ask(OPTIONS):
        if str(service) in here:
            told = _letters(choice) if str(kind).strip() in CHOICES else str(int(qty or 0))
            chosen[str(service), option] = ("choice" if str(kind).strip() in CHOICES else "qty", told)
    for service, said in here.items():
        ours = {entry["id"]: entry for entry in said.get("raw", {}).get("options", [])}
        for option, entry in ours.items():
            how, there = chosen.pop((service, option), ("choice", "none"))
            told = _here(entry["value"]) if how == "choice" else str(entry["qty"])
            verdict.compare("options", service, str(option), there, _once(there, told))
    for (service, option), (how, there) in chosen.items():
        if how == "qty" or there:
            verdict.differ("options", service, str(option), there, "nothing")


def _fields(verdict: Verdict, ask: Ask, here: Here) -> None:
    """A field that is there under several ids is imported once, from one of them."""
    said: dict[str, dict[str, set[str]]] = {}
    for service, _, name, kind, value in ask(FIELDS):
        if str(service) in here and not is_secret_name(str(name)):
            word = "yes" if kind == "tickbox" else _letters(re.sub(r"<[^<>]*>", "", value) if kind == "link" else value)
            said.setdefault(str(service), {}).setdefault(_key(name), set()).add(word)
    for service, server in here.items():
        there = said.get(service, {})
        ours = {_key(entry["name"]): _here(entry["value"]) for entry in server.get("raw", {}).get("fields", [])}
        verdict.compare("fields", service, "names", sorted(there), sorted(ours))
        for name in set(there) & set(ours):
            known = {_once(word, ours[name]) for word in there[name]}
            verdict.compare("fields", service, name, True, bool(known & there[name]))


def _addons(verdict: Verdict, ask: Ask, here: Here) -> None:
    there = Counter((str(service), addon, 1 if qty is None else qty) for service, addon, qty in ask(ADDONS))
    ours = Counter(
        (s, entry["id"], entry["qty"]) for s, said in here.items() for entry in said["raw"].get("addons", [])
    )
    verdict.compared["addons.rows"] += len(here)
    for each in set(there) | set(ours):
        if each[0] in here and there[each] != ours[each]:
            verdict.differ("addons", each[0], str(each[1]), f"{there[each]} x {each[2]}", f"{ours[each]} x {each[2]}")


def _clients(verdict: Verdict, ask: Ask, here: Here) -> None:
    missing = set(here)
    for id, email, status, company in ask(CLIENTS):
        if (said := here.get(str(id))) is not None:
            missing.discard(str(id))
            verdict.compare("accounts", id, "status", str(status).lower(), said["status"])
            verdict.compare("accounts", id, "email", _letters(email), _here(said.get("email", email)))
            if _letters(company):
                verdict.compare("accounts", id, "company", *_mended(company, str(said.get("name", company))))
    for id in sorted(missing, key=int):
        verdict.differ("accounts", id, "row", "gone", "imported")


def _users(verdict: Verdict, ask: Ask, here: Here) -> None:
    missing = {id for id in here if id.isdigit()}
    for id, email in ask(USERS):
        if (said := here.get(str(id))) is not None:
            missing.discard(str(id))
            verdict.compare("users", id, "email", _letters(email), _here(said.get("email", email)))
    for id in sorted(missing, key=int):
        verdict.differ("users", id, "row", "gone", "imported")


def _mended(there: str, here: str) -> tuple[str, str]:
    """Both sides; where the import mended UTF-8 that was read as Windows-1252, so does this."""
    if _letters(there) == _here(here):
        return _letters(there), _here(here)
    return _letters(there), _here(here.encode("utf-8").decode("cp1252", "replace"))


def _once(there: str, told: str) -> str:
    """A text whose key and label are the same stands only once here."""
    return there if there == told + told else told


def _letters(text: object) -> str:
    """What remains of a text of the source when entities, spaces, pipes and punctuation do not count."""
    return _here(re.sub(r"&#?\w+;", lambda match: html.unescape(match[0]), str(text or "")))


def _here(text: object) -> str:
    """The same of a text that was imported, whose entities are decoded already."""
    return "".join(c for c in str(text or "").casefold() if c.isalnum())


def _key(name: object) -> str:
    head, _, tail = str(name).partition("|")
    return _letters(head) or _letters(tail)


def _day(raw: object) -> str | None:
    """A date between 1990 and 2100 as it is written, or None."""
    text = str(raw or "")[:10]
    try:
        year, month, day = (int(part) for part in text.split("-"))
    except ValueError:
        return None
    longest = (31, 29 if year % 4 == 0 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    good = 1990 <= year <= 2100 and 1 <= month <= 12 and 1 <= day <= longest[month - 1]
    return text if good else None


def _addresses(text: str) -> set[str]:
    """Every word that is an address, whatever is stuck to it."""
    found = set()
    for word in re.findall(r"[0-9A-Fa-f:.]+", re.sub(r"\S*=", " ", text)):
        for form in (word, word.rpartition(":")[0], word.rstrip(":")):
            try:
                ip = ipaddress.ip_address(form)
            except ValueError:
                continue
            if not (ip.is_unspecified or ip.is_loopback or ip.is_multicast or ip.is_link_local):
                found.add(str(ip))
            break
    return found
