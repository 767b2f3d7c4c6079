"""Compare what is here with what is there, by other code than the one that imported it.

The source is asked with joins of its own and not through staging; sizes, image and place are told by `recount.py`;
the answers are compared with what the log says. Of the import's code only the spelling of ids and the grammar of the
mapping file are shared, so that a mistake in reading or mapping rows shows here. Both sides are held in memory for a
window of services at a time.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain import ids
from eventstore.database import Connection
from whmcs_import.checking.recount import UNTOLD, Recount, Sale, Thing, bare, clean, plan_of, sides_of
from whmcs_import.checking.there import (
    Row,
    Source,
    addresses,
    amount,
    day,
    gateway,
    letters,
    of_here,
    prefix_of,
    told,
    whole,
)
from whmcs_import.checking.verdict import Verdict
from whmcs_import.checking.verify_guests import Claim, Guests
from whmcs_import.checking.verify_people import People
from whmcs_import.mapping.mapping_file import MappingFile
from whmcs_import.planning import target
from whmcs_import.source import extract
from whmcs_import.source.extract import Dsn
from whmcs_import.source.values import is_secret_name

WINDOW = 2000  # services whose rows are held at a time
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
ADDRESSES = (
    "SELECT v.id, v.ipaddress, v.subnetmask, v.gateway, 0 FROM mod_pvewhmcs_vms v ORDER BY v.id",
    "SELECT a.hosting_id, a.ip, coalesce(a.cidr, a.subnet_mask), a.gateway, 1"
    " FROM ProxmoxAddon_VmIpAddress a ORDER BY a.id",
    "SELECT a.hosting_id, a.ip, coalesce(a.cidr, a.subnet_mask), a.gateway, 1"
    " FROM mg_proxmox_addon_ip a WHERE a.hosting_id > 0 ORDER BY a.id",
)
NODES = "SELECT a.hosting_id, a.node FROM mg_proxmox_addon_ip a WHERE a.hosting_id > 0 ORDER BY a.id"
PLANS = "SELECT p.id, p.cpus, p.cores, p.memory, p.disk FROM mod_pvewhmcs_plans p"
SETTINGS = "SELECT s.product_id, s.setting, s.value FROM ProxmoxAddon_ProductConfiguration s"
_MODULE_SETTINGS = ", ".join(f"p.configoption{n}" for n in range(1, 25))
PRODUCTS = f"SELECT p.id, p.name, p.gid, p.servertype, p.type, {_MODULE_SETTINGS} FROM tblproducts p"
CHOICES, ANSWERS, QUANTITY = ("1", "2"), "3", "4"
READ_FIELDS = ("text", "link", "dropdown", "tickbox", "textarea")
ENDED = ("pending", "completed", "terminated", "cancelled", "fraud")
SIZES = ("vcpus", "memory_mib", "disk_gib")
MOST_COUNTED = 1 << 40
ABUSE = ("abus", "spam", "phish", "malware", "botnet", "ddos", "attack", "fraud", "dmca", "copyright", "hack", "scan")


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
    servers = await target.imported_ids(connection, source, "service")
    if not servers and not await target.imported_ids(connection, source, "client"):
        raise target.TargetError(f"nothing was imported from {source!r}: check --source-name")
    erased = await target.erased(connection, source)
    with extract.reading(dsn) as there:
        shop = Source(there, dsn.database)
        compared = _Servers(verdict, connection, shop, source, Recount(file) if same or insist else None)
        await compared.compare(servers, {id for entity, id in erased if entity == "service"})
        await People(verdict, connection, shop, source).compare(compared.owners, erased)
    return verdict


class _Servers:
    """The comparison of all services and of the plans they are of, window by window."""

    def __init__(self, verdict: Verdict, connection: Connection, there: Source, source: str, recount: Recount | None):
        self._verdict = verdict
        self._connection = connection
        self._there = there
        self._source = source
        self._recount = recount
        self._sums: dict[tuple[str, str], list[Decimal]] = {}
        self._products = {whole(row[0]): row for row in there.ask(PRODUCTS)}
        plans = plan_of(there.ask(PLANS))
        self._plans = {id: plans.get(str(row[5]).strip(), {}) for id, row in self._products.items() if _is_pve(row)}
        self._plans |= _settled(there)
        self._sold: dict[int, set[tuple[int, ...]]] = defaultdict(set)
        self._guests = Guests(there)
        for service, node in there.ask(NODES):
            if node:
                self._guests.nodes.setdefault(whole(service), str(node))
        self._known: dict[int, list[tuple[str, Any, Any, bool]]] = defaultdict(list)
        for service, address, mask, router, listed in (row for query in ADDRESSES for row in there.ask(query)):
            self._known[whole(service)].append((str(address or ""), mask, router, whole(listed) > 0))
        self.owners: set[str] = set()  # the clients whose servers are here

    async def compare(self, known: set[str], erased: set[str]) -> None:
        """Every service that is here with its row there, and the rows that are not here; then the plans."""
        missing = set(known)
        ends = [whole(row[0]) for row in self._there.ask("SELECT h.id FROM tblhosting h ORDER BY h.id")]
        for start in range(0, len(ends), WINDOW):
            ids_there = ends[start : start + WINDOW]
            limits = {"first": ids_there[0], "last": ids_there[-1]}
            rows = list(self._there.ask(SERVICES, **limits))
            things, vmids = self._things(limits)
            wanted = [id for id in (str(whole(row[0])) for row in rows) if id in known]
            here = await target.imported_now(
                self._connection, self._source, "service", wanted, "server.imported", "server.import_updated"
            )
            streams = [ids.imported(self._source, "service", id) for id in wanted]
            chosen = await target.chosen_here(self._connection, streams)
            parts = {UUID(said[part]["id"]) for said in here.values() for part in ("image", "location")}
            named = {str(id) for id in await target.catalogue_names(self._connection, sorted(parts))}
            for row in rows:
                id = whole(row[0])
                missing.discard(str(id))
                mine = chosen.get(ids.imported(self._source, "service", str(id)), set())
                self._service(row, things.get(id, {}), vmids.get(id, []), here.get(str(id)), mine, named)
        for gone in sorted(missing, key=int):
            self._verdict.differ("servers", gone, "row", "gone", "imported")
        await self._name_missing(erased)
        if self._recount is not None:
            self._guests.settle(self._verdict)
        self._verdict.counts["servers"] = {"there": len(ends), "here": len(known)}
        for (currency, cycle), (theirs, ours) in sorted(self._sums.items()):
            self._verdict.compare("totals", currency, cycle, theirs, ours)
            total = {"currency": currency, "cycle": cycle, "there": str(theirs), "here": str(ours)}
            self._verdict.totals.append(total)
        if self._recount is not None:
            await self._catalogue(self._recount)

    async def _name_missing(self, erased: set[str]) -> None:
        """What is live there and not here was set aside by the last run, or should be here."""
        self._verdict.not_here = [id for id in self._verdict.not_here if id not in erased]
        if self._recount is None:
            return
        aside, count = await target.set_aside(self._connection, self._source)
        lost = [id for id in self._verdict.not_here if id not in aside]
        # The log names only the first of very many.
        if len(lost) > count - len(aside):
            for id in lost:
                self._verdict.differ("servers", id, "row", "live", "neither imported nor set aside")

    def _things(
        self, limits: dict[str, int]
    ) -> tuple[dict[int, dict[str, list[Thing]]], dict[int, list[tuple[str, str]]]]:
        """What the services of a window were sold with, by kind; and all their custom fields by name."""
        found: dict[int, dict[str, list[Thing]]] = defaultdict(lambda: {"option": [], "custom_field": [], "addon": []})
        youngest: dict[tuple[int, int], Thing | None] = {}
        for service, option, name, kind, choice, qty, live in self._there.ask(OPTIONS, **limits):
            youngest[whole(service), whole(option)] = _option(option, name, str(whole(kind)), choice, qty, bool(live))
        for (service, _), thing in sorted(youngest.items()):
            if thing is not None:
                found[service]["option"].append(thing)
        rows = [row for row in self._there.ask(FIELDS, **limits) if not is_secret_name(str(row[2]))]
        for service, things in _fields(rows).items():
            found[service]["custom_field"] = things
        written: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for service, _, name, _, value, _, _ in rows:
            written[whole(service)].append((str(name), str(value)))
        for service, addon, name, qty in self._there.ask(ADDONS, **limits):
            many = 1 if qty is None else whole(qty)
            label = clean(str(name or "")) or f"addon {whole(addon)}"
            found[whole(service)]["addon"].append(Thing("addon", whole(addon), label, str(many), many))
        return found, written

    def _service(
        self,
        row: Row,
        things: dict[str, list[Thing]],
        written: list[tuple[str, str]],
        said: dict[str, Any] | None,
        chosen: set[str],
        catalogue: set[str],
    ) -> None:
        id = whole(row[0])
        sale = self._sale(row, things)
        known = self._addresses(row)
        left_out = self._is_left_out(row, sale)
        if self._recount is not None:
            claims = list(self._claims(row, sale, written, self._recount))
            self._guests.note(id, self._recount.cluster(whole(row[12])), claims, known, said, left_out=left_out)
        if said is None:
            if not left_out:
                self._verdict.not_here.append(str(id))
            return
        self.owners.add(str(whole(row[1])))
        for name, (there, here) in _facts(row, said, self._source).items():
            self._verdict.compare("servers", id, name, there, here)
        self._compare_addresses(id, known, said["addresses"])
        raw = said.get("raw")
        for kind, listed in (("option", "options"), ("custom_field", "fields"), ("addon", "addons")):
            if raw is not None:
                self._sold_with(id, listed, things.get(kind, []), raw[listed])
        billing = said["billing"]
        pair = self._sums.setdefault((billing["currency"], billing["cycle"]), [Decimal(0), Decimal(0)])
        pair[0] += amount(row[3]) or 0
        pair[1] += Decimal(billing["amount"])
        if self._recount is not None and sale is not None:
            self._mapped(id, said, sale, self._recount, chosen, catalogue)

    def _sold_with(self, id: int, listed: str, things: list[Thing], ours: list[dict[str, Any]]) -> None:
        """Every row that says something is kept here, in its own words."""
        there = Counter((t.id, told(t.name), told(t.says), t.qty, not t.live) for t in things)
        here = Counter(
            (e["id"], told(e["name"]), told(e["value"]), max(e["qty"], 0), e.get("stale", False)) for e in ours
        )
        self._verdict.compared[f"{listed}.rows"] += len(things)
        for each in there.keys() | here.keys():
            if there[each] != here[each]:
                self._verdict.differ(listed, id, str(each[0]), f"{there[each]} x {each}", f"{here[each]} x {each}")

    def _addresses(self, row: Row) -> dict[str, tuple[int | None, str | None]]:
        """The addresses of a service, each with its length and gateway."""
        written = addresses(f"{row[9] or ''} {row[10] or ''}")
        rows = self._known.get(whole(row[0]), [])
        more = addresses(" ".join(text for text, _, _, listed in rows if listed or not written))
        found: dict[str, tuple[int | None, str | None]] = {}
        for address, length in {**written, **{each: more[each] for each in more if each not in written}}.items():
            family = 6 if ":" in address else 4
            _, mask, router, _ = next((r for r in rows if address in addresses(r[0])), ("", None, None, False))
            length = prefix_of(mask, family) if length is None else length
            found[address] = (32 if family == 4 else 128) if length is None else length, gateway(router)
        return found

    def _compare_addresses(
        self, id: int, there: dict[str, tuple[int | None, str | None]], here: list[dict[str, Any]]
    ) -> None:
        compare = self._verdict.compare
        compare("servers", id, "addresses", list(there), [each["address"] for each in here])
        compare("servers", id, "primary", list(there)[:1], [each["address"] for each in here if each["primary"]])
        for each in here:
            length, router = there.get(each["address"], (None, None))
            compare("servers", id, "prefix", length, each["prefix"])
            compare("servers", id, "gateway", router, each["gateway"])
            compare("servers", id, "family", 6 if ":" in each["address"] else 4, each["family"])

    def _mapped(
        self, id: int, said: Mapping[str, Any], sale: Sale, recount: Recount, chosen: set[str], catalogue: set[str]
    ) -> None:
        """What the mapping file decides, but for what people chose here since."""
        if "plan" not in chosen:
            for name in SIZES:
                self._verdict.admit("servers", id, name, recount.sizes(name, sale), said["plan"][name])
            self._verdict.compare("servers", id, "plan", str(self._plan_id(sale, recount)), said["plan"]["id"])
            self._verdict.compare("servers", id, "plan_name", letters(sale.product_name), of_here(said["plan"]["name"]))
        self._sold[sale.product].add(tuple(said["plan"][name] for name in SIZES))
        for kind in ("image", "location"):
            if kind not in chosen:
                self._named(id, kind, recount.names(kind, sale), said[kind], known=said[kind]["id"] in catalogue)
        if "name" not in chosen and "name" in said:
            names = [*recount.texts("hostname", sale), sale.columns["domain"]]
            _compare_names(self._verdict, id, names, said["name"])
        if "raw" in said:
            self._extras(id, recount.extras(sale), said["raw"]["extras"])

    def _extras(self, id: int, there: dict[str, set[object]], here: dict[str, Any]) -> None:
        for name, values in there.items():
            wanted = values if name in here else values | {UNTOLD}
            kept = here.get(name, UNTOLD)
            self._verdict.admit("extras", id, name, wanted, tuple(kept) if isinstance(kept, list) else kept)
        self._verdict.compare("servers", id, "extras", set(), here.keys() - there.keys())

    def _named(
        self, id: int, kind: str, there: set[tuple[str, str, bool]], here: dict[str, Any], *, known: bool
    ) -> None:
        """An image or a place; what the catalogue knows is called as it is there."""
        key = here["key"] if kind == "location" else here["template"]
        found = (here["id"], key, "" if known else of_here(here["name"]))
        wanted = {
            (
                str(ids.catalogue("location" if kind == "location" else "image", name)),
                name if kind == "location" or mapped else "",
                "" if known else of_here(label),
            )
            for name, label, mapped in there
        }
        self._verdict.admit("servers", id, kind, wanted, found)

    def _plan_id(self, sale: Sale, recount: Recount) -> UUID:
        key = recount.plan(sale)
        return ids.imported(self._source, "product", str(sale.product)) if key is None else ids.catalogue("plan", key)

    def _claims(self, row: Row, sale: Sale | None, written: list[tuple[str, str]], recount: Recount) -> Iterator[Claim]:
        """What the custom fields and the user name of a service say of its VM."""
        for name, value in written:
            if recount.names_vm(name) and clean(value):
                yield Claim(clean(value), "qemu", "custom field")
        user = str(row[13] or "").strip()
        if sale is not None and recount.username_is_vmid(sale.module) and user.isdigit():
            yield Claim(user, "qemu", "username")

    async def _catalogue(self, recount: Recount) -> None:
        """The plans that the import declared, while nobody has declared them anew."""
        keys = await target.imported_ids(self._connection, self._source, "product")
        here = await target.imported_now(
            self._connection, self._source, "product", sorted(keys), "catalogue.plan_declared"
        )
        for id, said in here.items():
            product = self._products.get(int(id))
            if said["origin"] != "import":
                continue
            if product is None:
                self._verdict.differ("plans", id, "row", "gone", "imported")
                continue
            sale = self._sale_of(product, {}, "", "", [])
            compare = self._verdict.compare
            compare("plans", id, "key", recount.plan(sale) or f"{self._source}-{id}", said["key"])
            compare("plans", id, "name", letters(sale.product_name), of_here(said["name"]))
            own = {"vcpus": "vcpus", "memory_mib": "memory", "disk_gib": "disk"}
            fixed = {tuple(sale.plan[own[name]] for name in SIZES)} if sale.plan else self._sold[int(id)]
            self._verdict.admit("plans", id, "sizes", fixed, tuple(said[name] for name in SIZES))
            compare("plans", id, "listed", (0, False), (said["position"], said["listed"]))
        for sold in self._sold.keys() - set(map(int, keys)):
            await self._undeclared(sold, recount)

    async def _undeclared(self, id: int, recount: Recount) -> None:
        """A product that no run declared is of a plan that was there before, or that another product declared."""
        stream = self._plan_id(self._sale_of(self._products[id], {}, "", "", []), recount)
        if stream not in await target.versions(self._connection, [stream]):
            self._verdict.differ("plans", id, "row", "sold", "not in the catalogue")

    def _sale(self, row: Row, things: dict[str, list[Thing]]) -> Sale | None:
        product = self._products.get(whole(row[11]))
        if product is None:
            return None
        columns = {"domain": clean(str(row[2] or "")), "username": str(row[13] or ""), "dedicatedip": str(row[9] or "")}
        node = self._guests.nodes.get(whole(row[0]), "")
        return self._sale_of(
            product, columns, clean(str(row[14] or "")), node, [thing for kind in things.values() for thing in kind]
        )

    def _sale_of(self, product: Row, columns: dict[str, str], server: str, node: str, things: list[Thing]) -> Sale:
        id, name, group, module, _, *settings = product
        return Sale(
            product=whole(id),
            product_name=clean(str(name or "")),
            group=whole(group),
            module=str(module or "").strip(),
            settings=tuple(str(value or "") for value in settings),
            columns=columns,
            server=server,
            node=node,
            plan=self._plans.get(whole(id), {}),
            things=things,
        )

    def _is_left_out(self, row: Row, sale: Sale | None) -> bool:
        """Whether a service is none to import: over, not yet begun, or no virtual server."""
        if str(row[8]).strip().lower() in ENDED:
            return True
        if sale is None:
            return False
        if self._recount is not None and (skips := self._recount.skips(sale)) is not None:
            return skips
        kind = str(self._products[sale.product][4] or "").strip().lower()
        return kind in ("hostingaccount", "reselleraccount", "other") and not _drives_vms(sale.module)


def _facts(row: Row, said: Mapping[str, Any], source: str) -> dict[str, tuple[object, object]]:
    """What no mapping decides: both sides by name."""
    _, client, domain, price, currency, cycle, due, registered, status, _, _, product, server, *rest = row
    _, _, reason, overrides, until = rest
    billing, raw, suspended = said["billing"], said.get("raw"), str(status).strip().lower() == "suspended"
    facts: dict[str, tuple[object, object]] = {
        "account": (str(ids.imported(source, "client", str(whole(client)))), said["account_id"]),
        "amount": (amount(price), amount(billing["amount"])),
        "currency": (clean(str(currency)), billing["currency"]),
        "cycle": (letters(cycle).removesuffix("account"), of_here(billing["cycle"])),
        "next_due": (day(due), billing["next_due"]),
        "registered": (day(registered), billing["registered"]),
        "override": (day(until) if whole(overrides) > 0 else None, (billing["override_until"] or "")[:10] or None),
        "status": (str(status).strip().lower(), str(billing["source_status"]).lower()),
        "suspension": (_suspension(clean(str(reason or ""))) if suspended else None, said["suspension"]),
    }
    if raw is None:
        return facts  # erased here
    return facts | {
        "domain": (letters(domain), of_here(raw["domain"])),
        "product": (whole(product), raw["product_id"]),
        "server": (max(whole(server), 0), max(raw["server_id"], 0)),
        "suspend_reason": (letters(reason), of_here(raw["suspend_reason"])),
    }


def _suspension(reason: str) -> str:
    if bare(reason) == "overdueonpayment":
        return "non_payment"
    return "abuse" if any(word in reason.casefold() for word in ABUSE) else "admin"


def _drives_vms(module: str) -> bool:
    panels = "virtfusion virtualizor solusvm solusio midgard convoy nokvm autovm hetznervps vultr"
    return re.search(f"proxmox|^pve|{'|'.join(f'^{name}' for name in panels.split())}", module.lower()) is not None


def _option(id: object, name: str, kind: str, choice: str | None, qty: object, live: bool) -> Thing | None:
    """The youngest row of an option holds; one that points nowhere, or is of no known kind, says nothing."""
    many = max(whole(qty), 0)
    if kind in CHOICES:
        return None if choice is None else Thing("option", whole(id), str(name), str(choice), many, live)
    if kind == ANSWERS:
        return Thing("option", whole(id), str(name), "yes" if many else "no", many, live)
    if kind != QUANTITY:
        return None
    unit = sides_of(str(choice or ""))[1]
    return Thing("option", whole(id), str(name), f"{many}|{many} {unit}".rstrip(), many, live)


def _fields(rows: Iterable[Row]) -> dict[int, list[Thing]]:
    """Of the fields of one name that of the service's product counts, then one of all products, then an older one's."""
    best: dict[int, dict[str, tuple[tuple[int, int], Thing]]] = defaultdict(dict)
    for service, id, name, kind, value, owner, product in rows:
        if is_secret_name(str(name)) or str(kind).strip().lower() not in READ_FIELDS or not str(value).strip():
            continue
        rank = (2 if owner == product else 1 if whole(owner) == 0 else 0, whole(id))
        thing = Thing("custom_field", whole(id), str(name), _field_text(str(kind).strip().lower(), str(value)))
        named = best[whole(service)]
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


def _settled(there: Source) -> dict[int, dict[str, int]]:
    """What the Proxmox module of ModulesGarden has of products, as the plans of others."""
    settings: dict[int, dict[str, str]] = defaultdict(dict)
    for product, setting, value in there.ask(SETTINGS):
        try:
            settings[whole(product)][str(setting)] = str(json.loads(str(value)))
        except ValueError:
            settings[whole(product)][str(setting)] = str(value)
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
    return str(product[3]).strip().lower() == "pvewhmcs"


def _compare_names(verdict: Verdict, id: int, said: list[str], name: str) -> None:
    """The first text of which a host name can be made is the name; punctuation does not count."""
    wanted = next((spelled for spelled in map(_spelled, said) if spelled), f"service{id}")
    verdict.compare("servers", id, "name", wanted, bare(name))


def _spelled(text: str) -> str:
    """The letters and digits of the host name that a text is made into: IDNA where it is no ASCII, 63 of each label."""
    labels = []
    for part in unicodedata.normalize("NFKC", clean(text)).casefold().split("."):
        try:
            label = part if part.isascii() else part.encode("idna").decode()
        except UnicodeError:
            label = "".join(c for c in part if c.isascii())
        labels.append(re.sub("[^a-z0-9]+", lambda odd: "-" * len(odd[0]) if set(odd[0]) == {"-"} else "-", label))
    return bare(".".join(cut for label in labels if (cut := label.strip("-")[:63].strip("-")))[:253])
