"""Staged rows as typed values: services with everything that hangs on them, clients, users, memberships."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field

from whmcs_import.mapping.adoption import Link
from whmcs_import.mapping.mapping import Service
from whmcs_import.mapping.options import AddonRow, FieldRow, OptionRow
from whmcs_import.mapping.shop import Shop, refers
from whmcs_import.mapping.users import ClientRow, Membership, UserRow
from whmcs_import.source.staging import LOWEST, TABLES, Copy, Row, Span
from whmcs_import.source.values import storable, text

PROFILE = next(table for table in TABLES if table.name == "tblclients").optional
_SERVICE = (
    "SELECT id, userid, packageid, server, domain, amount, billingcycle, nextduedate, domainstatus, username,"
    " dedicatedip, assignedips, regdate, qty, suspendreason, overideautosuspend, overidesuspenduntil,"
    " substr(notes, 1, 65536)"
    " FROM tblhosting WHERE id > ? AND id <= ? ORDER BY id"
)
_ADDONS = (
    "SELECT hostingid, addonid, status, name, qty FROM tblhostingaddons WHERE hostingid > ? AND hostingid <= ?"
    " ORDER BY hostingid, id"
)
_PVEWHMCS = (
    "SELECT id, vmid, vtype, ipaddress, subnetmask, gateway FROM mod_pvewhmcs_vms WHERE id > ? AND id <= ? ORDER BY id"
)
_PROXMOXVM = (
    "SELECT service_id, vmid, node FROM mod_proxmoxvm WHERE service_id > ? AND service_id <= ? ORDER BY service_id"
)
_ADDRESSES = (
    "SELECT hosting_id, ip, coalesce(cidr, subnet_mask), gateway, NULL, 'ProxmoxAddon_VmIpAddress', id"
    " FROM ProxmoxAddon_VmIpAddress WHERE hosting_id > ?1 AND hosting_id <= ?2"
    " UNION ALL SELECT hosting_id, ip, coalesce(cidr, subnet_mask), gateway, node, 'mg_proxmox_addon_ip', id"
    " FROM mg_proxmox_addon_ip WHERE hosting_id > max(?1, 0) AND hosting_id <= ?2 ORDER BY 1, 6, 7"
)
_OWNERLESS = {
    "addons": "SELECT count(*) FROM tblhostingaddons WHERE hostingid IS NULL",
    "module links": "SELECT count(*) FROM mod_pvewhmcs_vms WHERE id IS NULL",
}


class _Owned:
    """Rows by the owner's id that stands first in each."""

    def __init__(self, rows: Iterable[Row]):
        self._rows: defaultdict[int, list[Row]] = defaultdict(list)
        for row in rows:
            self._rows[row[0]].append(row[1:])

    def of(self, owner: int) -> tuple[Row, ...]:
        """The rows of an owner in their order, without its id; to be asked once."""
        return tuple(self._rows.pop(owner, ()))

    def rest(self) -> int:
        """How many rows nobody has asked for."""
        return sum(map(len, self._rows.values()))


@dataclass(slots=True)
class Services:
    """The services of a span in the order of their ids, in one pass over the sorted tables."""

    staging: Copy
    shop: Shop
    span: Span
    orphans: dict[str, int] = field(default_factory=dict)
    twins: Set[int] = frozenset()  # ids that several services have: no row tells whose it is

    def __iter__(self) -> Iterator[Service]:
        options = self.staging.owned("tblhostingconfigoptions", self.span)
        # Values of clients and addons share the table: only the field tells them from those of services.
        fields = self.staging.owned("tblcustomfieldsvalues", self.span, self.shop.fields)
        addons = _Owned(self.staging.rows(_ADDONS, *self.span))
        pvewhmcs, proxmoxvm, listed = (
            _Owned(self.staging.rows(query, *self.span)) for query in (_PVEWHMCS, _PROXMOXVM, _ADDRESSES)
        )
        for row in self.staging.rows(_SERVICE, *self.span):
            id = row[0]
            if id not in self.twins:
                named = (*map(_pvewhmcs, pvewhmcs.of(id)), *map(_proxmoxvm, proxmoxvm.of(id)))
                links = (*named, *map(_address, listed.of(id)))
                chosen = tuple([(row[1], row[2] or 0, row[3]) for row in options.pop(id, ())])
                said = tuple([(row[1], row[2] or "") for row in fields.pop(id, ())])
                bought = tuple([(refers(addon[0]), *addon[1:]) for addon in addons.of(id)])
                yield _service(row, chosen, said, bought, links)
        owned = {"options": sum(map(len, options.values())), "addons": addons.rest(), "module links": pvewhmcs.rest()}
        self.orphans = {name: count for name, count in owned.items() if count}


def ownerless(staging: Copy) -> dict[str, int]:
    """How many rows name no service at all."""
    counts = {"options": staging.nobodys("tblhostingconfigoptions")}
    counts |= {name: count for name, query in _OWNERLESS.items() for (count,) in staging.rows(query)}
    return {name: count for name, count in counts.items() if count}


def standing(staging: Copy) -> Iterator[tuple[int, str, int]]:
    """Id, status and currency of every client."""
    twins = frozenset(staging.twins("tblclients"))
    for id, status, currency in staging.rows("SELECT id, status, currency FROM tblclients WHERE id IS NOT NULL"):
        if id not in twins:
            yield id, storable(str(status or "")).strip().capitalize(), currency or 0


def clients(staging: Copy, shop: Shop) -> Iterator[ClientRow]:
    """All clients in the order of their ids."""
    query = "SELECT id, firstname, lastname, companyname, email, status, currency, groupid"
    twins = frozenset(staging.twins("tblclients"))
    for row in staging.rows(f"{query}, {', '.join(PROFILE)} FROM tblclients WHERE id IS NOT NULL ORDER BY id"):
        if row[0] in twins:
            continue
        first, last, company, email, status = (str(value or "") for value in row[1:6])
        yield ClientRow(
            id=row[0],
            first_name=first,
            last_name=last,
            company=company,
            email=email,
            status=storable(status).strip().capitalize(),
            currency=shop.currencies.get(row[6], ""),
            currency_id=row[6] or 0,
            group=shop.client_groups.get(row[7], ""),
            profile=dict(zip(PROFILE, row[8:], strict=True)),
        )


def users(staging: Copy, above: int = LOWEST) -> Iterator[UserRow]:
    """The users whose ids are above one, in the order of their ids."""
    query = "SELECT id, first_name, last_name, email, password, second_factor FROM tblusers WHERE id > ? ORDER BY id"
    twins = frozenset(staging.twins("tblusers"))
    for row in staging.rows(query, above):
        if row[0] not in twins:
            yield UserRow(row[0], *(str(value or "") for value in row[1:]))


def clients_of_live_services(staging: Copy) -> set[int]:
    """The clients whose services are likely to be imported."""
    query = "SELECT DISTINCT userid FROM tblhosting WHERE lower(trim(domainstatus)) IN ('active', 'suspended')"
    return {id for (id,) in staging.rows(query)}


def user_ids(staging: Copy) -> set[int]:
    """The ids of all users."""
    ids = {id for (id,) in staging.rows("SELECT id FROM tblusers WHERE id IS NOT NULL")}
    return ids.difference(staging.twins("tblusers"))


def memberships(staging: Copy) -> Iterator[Membership]:
    """Who may act for whom, by client and user."""
    query = "SELECT auth_user_id, client_id, owner, permissions FROM tblusers_clients ORDER BY client_id, auth_user_id"
    for user, client, owner, permissions in staging.rows(query):
        yield Membership(refers(user), refers(client), bool(owner), permissions)


def _service(
    row: Row,
    options: tuple[OptionRow, ...],
    fields: tuple[FieldRow, ...],
    addons: tuple[AddonRow, ...],
    links: tuple[Link, ...],
) -> Service:
    word = [str(value or "") for value in row]
    return Service(
        id=row[0],
        client=refers(row[1]),
        product=refers(row[2]),
        server=row[3] or 0,
        domain=text(row[4]).value,
        amount=word[5].strip(),
        cycle=word[6],
        next_due=row[7],
        status=word[8].strip().capitalize(),
        username=word[9],
        dedicated_ip=word[10],
        assigned_ips=word[11],
        registered=row[12],
        qty=row[13],
        suspend_reason=word[14],
        override=row[15],
        override_until=row[16],
        notes=word[17],
        options=options,
        fields=fields,
        addons=addons,
        links=links,
    )


def _pvewhmcs(row: Row) -> Link:
    kind, address, netmask, gateway = (str(value or "") for value in row[1:])
    return Link("mod_pvewhmcs_vms", row[0], kind, None, address, netmask, gateway)


def _address(row: Row) -> Link:
    address, netmask, gateway, node, table, _ = (str(value or "") for value in row)
    return Link(table, "", "", node or None, address, netmask, gateway, names_vm=False)


def _proxmoxvm(row: Row) -> Link:
    return Link("mod_proxmoxvm", row[0] or "", node=row[1] or None)
