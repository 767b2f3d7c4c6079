"""Compare what is here with what is there, by other code than the one that imported it.

The source is asked with joins of its own and not through staging; sizes, image and place are told by `recount.py`;
the answers are compared with what the log says. Of the import's code only the spelling of ids and the grammar of the
mapping file are shared, so that a mistake in reading or mapping rows shows here.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from pymysql.cursors import Cursor, SSCursor

from domain import ids
from eventstore.database import Connection
from whmcs_import import extract, target
from whmcs_import.extract import Dsn
from whmcs_import.mapping_file import MappingFile
from whmcs_import.recount import UNTOLD, Recount, Sale, Thing, bare, clean, plan_of, sides_of
from whmcs_import.values import is_secret_name

WINDOW = 2000  # services whose rows are held at a time
MOST_NAMED = 10
LIVE = ("active", "suspended")
SERVICES = """
    SELECT h.id, h.userid, h.domain, h.amount, k.code, h.billingcycle, h.nextduedate, h.regdate, h.domainstatus,
           h.dedicatedip, h.assignedips, h.packageid, h.server, h.username, s.name, h.suspendreason,
           h.overideautosuspend, h.overidesuspenduntil
      FROM tblhosting h
      LEFT JOIN tblclients c ON c.id = h.userid
      LEFT JOIN tblcurrencies k ON k.id = c.currency
      LEFT JOIN tblservers s ON s.id = h.server
     WHERE h.id BETWEEN {first} AND {last} ORDER BY h.id"""
OPTIONS = """
    SELECT r.relid, r.configid, o.optionname, o.optiontype, s.optionname, r.qty,
           EXISTS (SELECT 1 FROM tblproductconfiglinks l WHERE l.gid = o.gid AND l.pid = h.packageid)
      FROM tblhostingconfigoptions r
      JOIN tblhosting h ON h.id = r.relid
      JOIN tblproductconfigoptions o ON o.id = r.configid
      LEFT JOIN tblproductconfigoptionssub s ON s.id = r.optionid AND s.configid = r.configid
     WHERE r.relid BETWEEN {first} AND {last} ORDER BY r.relid, r.id"""
FIELDS = """
    SELECT v.relid, v.fieldid, f.fieldname, f.fieldtype, v.value, f.relid, h.packageid
      FROM tblcustomfieldsvalues v
      JOIN tblcustomfields f ON f.id = v.fieldid
      JOIN tblhosting h ON h.id = v.relid
     WHERE trim(lower(CAST(f.type AS CHAR))) = 'product' AND trim(lower(CAST(f.fieldtype AS CHAR))) <> 'password'
       AND trim(v.value) <> ''
       AND v.relid BETWEEN {first} AND {last} ORDER BY v.relid, v.id"""
ADDONS = """
    SELECT a.hostingid, a.addonid, coalesce(d.name, a.name), a.qty
      FROM tblhostingaddons a LEFT JOIN tbladdons d ON d.id = a.addonid
     WHERE trim(lower(CAST(a.status AS CHAR))) = 'active' AND a.hostingid BETWEEN {first} AND {last}
     ORDER BY a.hostingid, a.id"""
PVEWHMCS = "SELECT v.id, coalesce(v.vmid, v.id) FROM mod_pvewhmcs_vms v"
ADDRESS_OF_VM = "SELECT v.id, v.ipaddress FROM mod_pvewhmcs_vms v"
ADDRESSES = (
    "SELECT a.hosting_id, a.ip FROM ProxmoxAddon_VmIpAddress a ORDER BY a.id",
    "SELECT a.hosting_id, a.ip FROM mg_proxmox_addon_ip a WHERE a.hosting_id > 0 ORDER BY a.id",
)
PROXMOXVM = "SELECT v.service_id, v.vmid, v.node FROM mod_proxmoxvm v"
PLANS = "SELECT p.id, p.cpus, p.cores, p.memory, p.disk FROM mod_pvewhmcs_plans p"
SETTINGS = "SELECT s.product_id, s.setting, s.value FROM ProxmoxAddon_ProductConfiguration s"
_MODULE_SETTINGS = ", ".join(f"p.configoption{n}" for n in range(1, 25))
PRODUCTS = f"SELECT p.id, p.name, p.gid, p.servertype, p.type, {_MODULE_SETTINGS} FROM tblproducts p"
CLIENTS = """
    SELECT c.id, c.email, c.status, c.companyname, c.firstname, c.lastname, c.city, c.phonenumber, k.code
      FROM tblclients c LEFT JOIN tblcurrencies k ON k.id = c.currency"""
MEMBERS = "SELECT m.client_id, m.auth_user_id, m.owner FROM tblusers_clients m"
USERS = "SELECT u.id, u.email, u.first_name, u.last_name, u.second_factor FROM tblusers u"
CLIENT_LOGINS = "SELECT c.id, c.email, c.firstname, c.lastname, c.authmodule FROM tblclients c"
CONTACT_LOGINS = "SELECT c.id, c.email, c.firstname, c.lastname, '' FROM tblcontacts c WHERE c.subaccount = 1"
CHOICES, ANSWERS, QUANTITY = ("1", "2"), "3", "4"
READ_FIELDS = ("text", "link", "dropdown", "tickbox", "textarea")

Here = dict[str, dict[str, Any]]
Row = tuple[Any, ...]
Ask = Callable[..., Iterator[Row]]


@dataclass(slots=True)
class Verdict:
    """What was compared and what differs; `not_here` are live servers of the source that were never imported."""

    compared: Counter[str] = field(default_factory=Counter)
    differences: list[dict[str, str]] = field(default_factory=list)
    totals: list[dict[str, str]] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    not_here: list[str] = field(default_factory=list)
    note: str = ""

    def compare(self, entity: str, source_id: object, name: str, there: object, here: object) -> None:
        """Count one comparison, and keep it when the two sides differ."""
        self.admit(entity, source_id, name, [there], here)

    def admit(self, entity: str, source_id: object, name: str, there: Iterable[object], here: object) -> None:
        """Count one comparison, and keep it when what is here is none of what may be there."""
        self.compared[f"{entity}.{name}"] += 1
        known = list(there)
        if here not in known:
            self.differ(entity, source_id, name, known[0] if len(known) == 1 else sorted(map(str, known)), here)

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
            "counts": self.counts,
            "totals": self.totals,
            "not_here": {"count": len(self.not_here), "source_ids": self.not_here},
            "note": self.note,
        }

    def as_text(self) -> str:
        """The verdict for people."""
        lines = [f"{name:28} {count:>9} compared" for name, count in sorted(self.compared.items())]
        lines += [f"{name:28} {c['there']:>9} there, {c['here']} here" for name, c in sorted(self.counts.items())]
        lines += [f"  {t['there']:>14} {t['currency']} {t['cycle']} there, {t['here']} here" for t in self.totals]
        lines += [
            f"  differs: {d['entity']} {d['source_id']} {d['field']}: {d['there']!r} there, {d['here']!r} here"
            for d in self.differences
        ]
        if self.not_here:
            some = ", ".join(self.not_here[:MOST_NAMED])
            lines.append(f"{len(self.not_here)} live servers there are not here, such as {some}: see `quarantined`")
        return "\n".join([*lines, *([self.note] if self.note else []), self._conclusion()])

    def _conclusion(self) -> str:
        count = len(self.differences)
        return f"{count} differences." if count else f"All {self.compared.total()} comparisons are equal."


async def verify(connection: Connection, dsn: Dsn, source: str, file: MappingFile, *, insist: bool = True) -> Verdict:
    """Compare every row that was imported from a source with the row as it is there now.

    What `file` decides is compared too; without `insist` only if the last run used the same one.

    Raises:
        SourceError: the source cannot be read.
        TargetError: nothing was imported from it.
    """
    verdict = Verdict()
    same = await target.last_mapping(connection, source) in (None, file.digest)
    if not same:
        how = "compared with another mapping than" if insist else "not compared: name with --mapping the one of"
        verdict.note = f"Sizes, images, places and extras are {how} the last run."
    servers = await target.imported_now(connection, source, "service", "server.imported", "server.import_updated")
    accounts = await target.imported_now(connection, source, "client", "account.imported")
    if not servers and not accounts:
        raise target.TargetError(f"nothing was imported from {source!r}: check --source-name")
    people = await target.imported_now(connection, source, "user", "user.imported")
    chosen = await target.chosen_here(connection, [ids.imported(source, "service", id) for id in servers])
    with extract.reading(dsn) as there:
        shop = _Source(there, dsn.database)
        recount = Recount(file) if same or insist else None
        _Servers(verdict, shop, servers, source, recount, chosen).compare()
        _clients(verdict, shop, accounts, source)
        _users(verdict, shop, people)
    return verdict


class _Source:
    """The database there: answers questions whatever of its tables and columns is missing or spelled otherwise."""

    def __init__(self, connection: Any, database: str):
        self._connection = connection
        self._tables: dict[str, tuple[str, set[str]]] = {}
        with connection.cursor(Cursor) as cursor:
            cursor.execute(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s", (database,)
            )
            for table, column in cursor.fetchall():
                self._tables.setdefault(str(table).lower(), (str(table), set()))[1].add(str(column).lower())

    def has(self, table: str) -> bool:
        """Whether there is such a table."""
        return table.lower() in self._tables

    def ask(self, query: str, **limits: int) -> Iterator[Row]:
        """The rows of a query; none where its first table is missing, NULL where a column is."""
        names = {alias: table.lower() for table, alias in re.findall(r"(?:FROM|JOIN) (\w+) ([a-z])\b", query)}
        if next(iter(names.values())) not in self._tables:
            return
        plain = re.sub(r"\b([a-z])\.(\w+)", lambda m: self._column(names[m[1]], m), query)
        plain = re.sub(r"(FROM|JOIN) (\w+) ([a-z])\b", self._table, plain)
        with self._connection.cursor(SSCursor) as cursor:
            cursor.execute(plain.format(**limits))
            yield from cursor

    def _column(self, table: str, match: re.Match[str]) -> str:
        return match[0] if match[2].lower() in self._tables.get(table, ("", set()))[1] else "NULL"

    def _table(self, match: re.Match[str]) -> str:
        known = self._tables.get(match[2].lower())
        return f"{match[1]} {f'`{known[0]}`' if known else '(SELECT NULL)'} {match[3]}"


class _Servers:
    """The comparison of all services, window by window."""

    def __init__(
        self,
        verdict: Verdict,
        there: _Source,
        here: Here,
        source: str,
        recount: Recount | None,
        chosen: Mapping[UUID, set[str]],
    ):
        self._verdict = verdict
        self._there = there
        self._here = here
        self._source = source
        self._recount = recount
        self._chosen = chosen
        self._sums: dict[tuple[str, str], list[Decimal]] = {}
        self._products = {_whole(row[0]): row for row in there.ask(PRODUCTS)}
        plans = plan_of(there.ask(PLANS))
        self._plans = {id: plans.get(str(row[5]).strip(), {}) for id, row in self._products.items() if _is_pve(row)}
        self._plans |= _settled(there)
        self._links = self._vm_links()
        self._of_vms = {_whole(service): str(address or "") for service, address in there.ask(ADDRESS_OF_VM)}
        self._known: dict[int, list[str]] = defaultdict(list)
        for service, address in (row for query in ADDRESSES for row in there.ask(query)):
            self._known[_whole(service)].append(str(address or ""))

    def compare(self) -> None:
        """Every service that is here with its row there, and the rows that are not here."""
        missing = set(self._here)
        ends = [_whole(row[0]) for row in self._there.ask("SELECT h.id FROM tblhosting h ORDER BY h.id")]
        for start in range(0, len(ends), WINDOW):
            ids_there = ends[start : start + WINDOW]
            limits = {"first": ids_there[0], "last": ids_there[-1]}
            rows = list(self._there.ask(SERVICES, **limits))
            things = self._things(limits)
            for row in rows:
                missing.discard(str(_whole(row[0])))
                self._service(row, things.get(_whole(row[0]), {}))
        for id in sorted(missing, key=int):
            self._verdict.differ("servers", id, "row", "gone", "imported")
        self._verdict.counts["servers"] = {"there": len(ends), "here": len(self._here)}
        for (currency, cycle), (theirs, ours) in sorted(self._sums.items()):
            self._verdict.compare("totals", currency, cycle, theirs, ours)
            total = {"currency": currency, "cycle": cycle, "there": str(theirs), "here": str(ours)}
            self._verdict.totals.append(total)

    def _things(self, limits: dict[str, int]) -> dict[int, dict[str, list[Thing]]]:
        """What the services of a window were sold with, by kind."""
        found: dict[int, dict[str, list[Thing]]] = defaultdict(lambda: {"option": [], "custom_field": [], "addon": []})
        youngest: dict[tuple[int, int], Thing | None] = {}
        for service, option, name, kind, choice, qty, live in self._there.ask(OPTIONS, **limits):
            youngest[_whole(service), _whole(option)] = _option(
                option, name, str(_whole(kind)), choice, qty, bool(live)
            )
        for (service, _), thing in sorted(youngest.items()):
            if thing is not None:
                found[service]["option"].append(thing)
        for service, things in _fields(self._there.ask(FIELDS, **limits)).items():
            found[service]["custom_field"] = things
        for service, addon, name, qty in self._there.ask(ADDONS, **limits):
            many = 1 if qty is None else _whole(qty)
            label = clean(str(name or "")) or f"addon {_whole(addon)}"
            found[_whole(service)]["addon"].append(Thing("addon", _whole(addon), label, str(many), many))
        return found

    def _service(self, row: Row, things: dict[str, list[Thing]]) -> None:
        id, said = _whole(row[0]), self._here.get(str(_whole(row[0])))
        sale = self._sale(row, things)
        if said is None:
            if self._is_live(row, sale):
                self._verdict.not_here.append(str(id))
            return
        addresses = _addresses(f"{row[9] or ''} {row[10] or ''}")
        known = [*([] if addresses else [self._of_vms.get(id, "")]), *self._known.get(id, [])]
        addresses = _addresses(" ".join([*addresses, *known]))
        for name, (there, here) in _facts(row, said, self._source, addresses).items():
            self._verdict.compare("servers", id, name, there, here)
        for kind, listed in (("option", "options"), ("custom_field", "fields"), ("addon", "addons")):
            self._sold(id, listed, things.get(kind, []), said.get("raw", {}).get(listed, []))
        billing = said["billing"]
        pair = self._sums.setdefault((billing["currency"], billing["cycle"]), [Decimal(0), Decimal(0)])
        pair[0] += Decimal(str(row[3]))
        pair[1] += Decimal(billing["amount"])
        if self._recount is not None and sale is not None:
            self._mapped(id, said, sale, self._recount, _whole(row[12]))

    def _sold(self, id: int, listed: str, things: list[Thing], ours: list[dict[str, Any]]) -> None:
        """Every row that says something is kept here, in its own words."""
        there = Counter((thing.id, _told(thing.says), _told_qty(thing)) for thing in things)
        here = Counter((e["id"], _told(e["value"]), e["qty"] if listed == "addons" else None) for e in ours)
        self._verdict.compared[f"{listed}.rows"] += len(things)
        for each in there.keys() | here.keys():
            if there[each] != here[each]:
                self._verdict.differ(listed, id, str(each[0]), f"{there[each]} x {each}", f"{here[each]} x {each}")

    def _mapped(self, id: int, said: Mapping[str, Any], sale: Sale, recount: Recount, server: int) -> None:
        """What the mapping file decides, but for what people chose here since."""
        chosen = self._chosen.get(ids.imported(self._source, "service", str(id)), set())
        if "plan" not in chosen:
            for name in ("memory_mib", "vcpus", "disk_gib"):
                self._verdict.admit("servers", id, name, recount.sizes(name, sale), said["plan"][name])
        if "image" not in chosen:
            images = recount.names("image", sale) or {""}
            known = {str(ids.catalogue("image", image)) for image in images}
            self._verdict.admit(
                "servers", id, "image", images, min(images) if said["image"]["id"] in known else said["image"]
            )
        self._verdict.admit("servers", id, "location", recount.names("location", sale) or {""}, said["location"]["key"])
        if "name" not in chosen:
            names = [*recount.texts("hostname", sale), sale.columns["domain"]]
            _compare_names(self._verdict, id, names, said["name"])
        kept = said.get("raw", {}).get("extras", {})
        for name, values in recount.extras(sale).items():
            self._verdict.admit(
                "extras", id, name, values | {UNTOLD} if name not in kept else values, kept.get(name, UNTOLD)
            )
        self._vm(id, said, sale, recount, server)

    def _vm(self, id: int, said: Mapping[str, Any], sale: Sale, recount: Recount, server: int) -> None:
        """Whatever is claimed is named by some row there; what no cluster is known of claims nothing."""
        claims = {number for number, _ in self._links.get(id, [])}
        claims |= {sides_of(thing.says)[0] for thing in self._fields_of_vms(sale, recount)}
        if recount.username_is_vmid(sale.module):
            claims.add(sale.columns["username"].strip())
        numbers = {int(claim) for claim in claims if re.fullmatch(r"[0-9]{1,9}", claim)}
        cluster = recount.cluster(server)
        hint = said["hint"] or {"vmid": None, "cluster": None}
        wanted = numbers if cluster and numbers else {None}
        self._verdict.admit("servers", id, "vmid", wanted, hint["vmid"])
        self._verdict.admit(
            "servers", id, "cluster", {cluster, None} if hint["vmid"] is None else {cluster}, hint["cluster"]
        )

    def _fields_of_vms(self, sale: Sale, recount: Recount) -> Iterator[Thing]:
        return (thing for thing in sale.things if recount.names_vm(thing))

    def _sale(self, row: Row, things: dict[str, list[Thing]]) -> Sale | None:
        product = self._products.get(_whole(row[11]))
        if product is None:
            return None
        id, name, group, module, _, *settings = product
        columns = {"domain": clean(str(row[2] or "")), "username": str(row[13] or ""), "dedicatedip": str(row[9] or "")}
        return Sale(
            product=_whole(id),
            product_name=clean(str(name or "")),
            group=_whole(group),
            module=str(module or ""),
            settings=tuple(str(value or "") for value in settings),
            columns=columns,
            server=clean(str(row[14] or "")),
            node=next((node for _, node in self._links.get(_whole(row[0]), []) if node), ""),
            plan=self._plans.get(_whole(id), {}),
            things=[thing for kind in things.values() for thing in kind],
        )

    def _is_live(self, row: Row, sale: Sale | None) -> bool:
        if sale is None or str(row[8]).strip().lower() not in LIVE:
            return False
        skips = self._recount.skips(sale) if self._recount else None
        return not skips and (skips is not None or str(self._products[sale.product][4]) == "server")

    def _vm_links(self) -> dict[int, list[tuple[str, str]]]:
        """The VMIDs and nodes that tables of modules have of services."""
        links: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for service, vmid in self._there.ask(PVEWHMCS):
            links[_whole(service)].append((str(vmid).strip(), ""))
        for service, vmid, node in self._there.ask(PROXMOXVM):
            links[_whole(service)].append((str(service if vmid is None else vmid).strip(), str(node or "")))
        return links


def _facts(row: Row, said: Mapping[str, Any], source: str, addresses: list[str]) -> dict[str, tuple[object, object]]:
    """What no mapping decides: both sides by name."""
    _, client, domain, amount, currency, cycle, due, registered, status, _, _, product, server, *rest = row
    _, _, reason, overrides, until = rest
    billing, raw, suspended = said["billing"], said.get("raw", {}), str(status).strip().lower() == "suspended"
    overdue = bare(clean(str(reason or ""))) == "overdueonpayment"
    return {
        "account": (str(ids.imported(source, "client", str(_whole(client)))), said["account_id"]),
        "amount": (_amount(amount), _amount(billing["amount"])),
        "currency": (clean(str(currency)), billing["currency"]),
        "cycle": (_letters(cycle).removesuffix("account"), _here(billing["cycle"])),
        "next_due": (_day(due), billing["next_due"]),
        "registered": (_day(registered), billing["registered"]),
        "override": (_day(until) if _whole(overrides) > 0 else None, (billing["override_until"] or "")[:10] or None),
        "status": (str(status).strip().lower(), str(billing["source_status"]).lower()),
        "suspended": (suspended, said["suspension"] is not None),
        "suspended_for_money": (suspended and overdue, said["suspension"] == "non_payment"),
        "addresses": (addresses, [address["address"] for address in said["addresses"]]),
        "primary": (addresses[:1], [address["address"] for address in said["addresses"] if address["primary"]]),
        "domain": (_letters(domain), _here(raw.get("domain", domain))),
        "product": (_whole(product), raw.get("product_id", product)),
        "server": (max(_whole(server), 0), max(raw.get("server_id", 0), 0)),
    }


def _option(id: object, name: str, kind: str, choice: str | None, qty: object, live: bool) -> Thing | None:
    """The youngest row of an option holds; one that points nowhere, or is of no known kind, says nothing."""
    many = max(_whole(qty), 0)
    if kind in CHOICES:
        return None if choice is None else Thing("option", _whole(id), str(name), str(choice), many, live)
    if kind == ANSWERS:
        return Thing("option", _whole(id), str(name), "yes" if many else "no", many, live)
    if kind != QUANTITY:
        return None
    unit = sides_of(str(choice or ""))[1]
    return Thing("option", _whole(id), str(name), f"{many}|{many} {unit}".rstrip(), many, live)


def _fields(rows: Iterable[Row]) -> dict[int, list[Thing]]:
    """Of the fields of one name that of the service's product counts, then one of all products, then an older one's."""
    best: dict[int, dict[str, tuple[tuple[int, int], Thing]]] = defaultdict(dict)
    for service, id, name, kind, value, owner, product in rows:
        if is_secret_name(str(name)) or str(kind).strip().lower() not in READ_FIELDS:
            continue
        rank = (2 if owner == product else 1 if _whole(owner) == 0 else 0, _whole(id))
        thing = Thing("custom_field", _whole(id), str(name), _field_text(str(kind).strip().lower(), str(value)))
        named = best[_whole(service)]
        key = bare(sides_of(str(name))[0])
        if key not in named or rank >= named[key][0]:
            named[key] = rank, thing
    return {service: [thing for _, thing in named.values()] for service, named in best.items()}


def _field_text(kind: str, value: str) -> str:
    if kind == "tickbox":
        return "yes" if bare(value) in ("yes", "on", "1", "true", "y") else "no"
    if kind == "textarea":
        return value.replace("\r\n", "\n")
    return re.sub(r"<[^<>]*>", "", value) if kind == "link" else value


def _settled(there: _Source) -> dict[int, dict[str, int]]:
    """What the Proxmox module of ModulesGarden has of products, as the plans of others."""
    settings: dict[int, dict[str, str]] = defaultdict(dict)
    for product, setting, value in there.ask(SETTINGS):
        try:
            settings[_whole(product)][str(setting)] = str(json.loads(str(value)))
        except ValueError:
            settings[_whole(product)][str(setting)] = str(value)
    found: dict[int, dict[str, int]] = {}
    for product, said in settings.items():
        memory = _scaled(said.get("memory"), said.get("memoryUnit", "mb"), "mgt")
        disk = _scaled(said.get("diskSize"), said.get("storageUnit", "gb"), "gt")
        plan = plan_of([(product, said.get("sockets"), said.get("cores"), memory, disk)])
        found[product] = plan.get(str(product), {})
    return found


def _scaled(number: str | None, unit: str, letters: str) -> str:
    place = letters.find(unit.strip().lower()[:1])
    return str(int(number) << 10 * place) if number and number.strip().isdigit() and place >= 0 else ""


def _is_pve(product: Row) -> bool:
    return str(product[3]).lower() == "pvewhmcs"


def _compare_names(verdict: Verdict, id: int, said: list[str], name: str) -> None:
    """The first text that holds a letter or digit is the name; what is no ASCII is spelled anew and not compared."""
    first = next((text for text in said if bare(text)), "")
    if first.isascii() and len(first) < 63:
        verdict.compare("servers", id, "name", bare(first) or f"service{id}", bare(name))


def _clients(verdict: Verdict, there: _Source, here: Here, source: str) -> None:
    missing, seen = set(here), 0
    members = _members(there, source)
    for id, email, status, company, first, last, city, phone, currency in there.ask(CLIENTS):
        seen += 1
        if (said := here.get(str(_whole(id)))) is None:
            continue
        missing.discard(str(_whole(id)))
        verdict.compare("accounts", id, "status", str(status).strip().lower(), said["status"])
        verdict.compare("accounts", id, "currency", clean(str(currency or "")), said["currency"])
        verdict.compare("accounts", id, "email", _letters(email), _here(said.get("email", email)))
        profile = said.get("profile", {})
        texts = {"company": (company, said.get("name", company))} if _letters(company) else {}
        for name, text in {"first_name": first, "last_name": last, "city": city, "phonenumber": phone}.items():
            texts[name] = text, profile.get(name, "" if profile else text)
        for name, (theirs, ours) in texts.items():
            verdict.compare("accounts", id, name, *_mended(theirs, str(ours or "")))
        roles = {(member["user_id"], member["role"]) for member in said["members"]}
        verdict.compare("accounts", id, "members", set(), members.get(_whole(id), set()) - roles)
    for id in sorted(missing, key=int):
        verdict.differ("accounts", id, "row", "gone", "imported")
    verdict.counts["accounts"] = {"there": seen, "here": len(here)}


def _members(there: _Source, source: str) -> dict[int, set[tuple[str, str]]]:
    """Who may act for a client: the first owner owns it, the others may look."""
    known = {_whole(row[0]) for row in there.ask(USERS)}
    rows: dict[int, list[tuple[bool, int]]] = defaultdict(list)
    for client, user, owner in there.ask(MEMBERS):
        if _whole(user) in known:
            rows[_whole(client)].append((_whole(owner) > 0, _whole(user)))
    found = {}
    for client, users in rows.items():
        first = min((user for owns, user in users if owns), default=None)
        found[client] = {
            (str(ids.imported(source, "user", str(user))), "owner" if user == first else "viewer") for _, user in users
        }
    return found


def _users(verdict: Verdict, there: _Source, here: Here) -> None:
    missing, seen = set(here), 0
    tables = {"": USERS} if there.has("tblusers") else {"client-": CLIENT_LOGINS, "contact-": CONTACT_LOGINS}
    for prefix, query in tables.items():
        for id, email, first, last, factor in there.ask(query):
            seen += 1
            if (said := here.get(f"{prefix}{_whole(id)}")) is None:
                continue
            missing.discard(f"{prefix}{_whole(id)}")
            verdict.compare("users", id, "email", _letters(email), _here(said.get("email", email)))
            verdict.compare("users", id, "name", *_mended(f"{first} {last}", said.get("name", f"{first} {last}")))
            verdict.compare("users", id, "second_factor", bool(factor), said["had_two_factor"])
    for id in sorted(missing):
        verdict.differ("users", id, "row", "gone", "imported")
    verdict.counts["users"] = {"there": seen, "here": len(here)}


def _mended(there: object, here: str) -> tuple[str, str]:
    """Both sides; where the import mended UTF-8 that was read as Windows-1252, so does this."""
    for _ in range(3):
        if _letters(there) == _here(here):
            break
        here = here.encode("utf-8").decode("cp1252", "replace")
    return _letters(there), _here(here)


def _told(text: object) -> str:
    """What a row says, both sides of its pipe; a text whose sides are the same stands only once."""
    key, label = (bare(side) for side in sides_of(str(text)))
    return key if key == label else f"{key}|{label}"


def _told_qty(thing: Thing) -> int | None:
    return thing.qty if thing.kind == "addon" else None


def _letters(text: object) -> str:
    """What remains of a text of the source when entities, spaces, pipes and punctuation do not count."""
    return bare(clean(str(text or "")))


def _here(text: object) -> str:
    """The same of a text that was imported, whose entities are decoded already."""
    return bare(str(text or ""))


def _whole(raw: object) -> int:
    """A number however its column keeps it, -1 where it is none."""
    try:
        return int(Decimal(str(raw).strip()))
    except (InvalidOperation, ValueError, OverflowError):
        return -1


def _amount(raw: object) -> Decimal | None:
    try:
        return Decimal(str(raw))
    except InvalidOperation:
        return None


def _day(raw: object) -> str | None:
    """A date between 1990 and 2100 as it is written, or None."""
    text = str(raw or "").strip()[:10]
    try:
        year, month, day = (int(part) for part in text.split("-"))
    except ValueError:
        return None
    longest = (31, 29 if year % 4 == 0 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    good = 1990 <= year <= 2100 and 1 <= month <= 12 and 1 <= day <= longest[month - 1]
    return text if good else None


def _addresses(text: str) -> list[str]:
    """Every word that is the address of a machine, whatever port or length is stuck to it, once."""
    found: dict[str, None] = {}
    for word in re.split(r"[\s,;]+", text):
        host, _, length = word.rpartition("=")[2].partition("/")
        forms = [host, host.rpartition(":")[0]] if host.count(":") <= 1 else [host]
        forms += [match[1] for match in [re.fullmatch(r"\[(.+)\](:\d+)?", host)] if match]
        for form in forms:
            if (address := _address(form, length)) is not None:
                found[address] = None
                break
    return list(found)


def _address(form: str, length: str) -> str | None:
    try:
        ip = ipaddress.ip_address(form)
        whole = ipaddress.ip_network(f"{form}/{length or ip.max_prefixlen}", strict=False)
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        return _address(str(ip.ipv4_mapped), "")
    if ip.is_unspecified or ip.is_loopback or ip.is_multicast or ip.is_link_local or int(ip) >> 28 == 0xF:
        return None
    return None if whole.num_addresses > 2 and ip == whole.network_address else str(ip)
