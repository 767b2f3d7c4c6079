"""Staged rows as typed values: services with everything that hangs on them, clients, users, memberships."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field

from whmcs_import.adoption import Link
from whmcs_import.mapping import Service
from whmcs_import.shop import Shop
from whmcs_import.staging import TABLES, Row, Staging
from whmcs_import.users import ClientRow, Membership, UserRow
from whmcs_import.values import storable, text

PROFILE = next(table for table in TABLES if table.name == "tblclients").optional
NOBODY = -1  # what cannot be read refers to no row, not even to one whose id is 0
_SERVICE = (
    "SELECT id, userid, packageid, server, domain, amount, billingcycle, nextduedate, domainstatus, username,"
    " dedicatedip, assignedips, regdate, qty, suspendreason, overideautosuspend, overidesuspenduntil,"
    " substr(notes, 1, 65536)"
    " FROM tblhosting WHERE id IS NOT NULL ORDER BY id"
)
_OPTIONS = "SELECT relid, configid, optionid, qty FROM tblhostingconfigoptions ORDER BY relid, id, rowid"
_FIELDS = "SELECT relid, fieldid, value FROM tblcustomfieldsvalues ORDER BY relid, id, rowid"
_ADDONS = "SELECT hostingid, addonid, status, name, qty FROM tblhostingaddons ORDER BY hostingid, id"
_PVEWHMCS = "SELECT id, vmid, vtype, ipaddress, subnetmask, gateway FROM mod_pvewhmcs_vms ORDER BY id"
_ADDRESSES = (
    "SELECT hosting_id, ip, coalesce(cidr, subnet_mask), gateway, NULL, 'ProxmoxAddon_VmIpAddress', id"
    " FROM ProxmoxAddon_VmIpAddress"
    " UNION ALL SELECT hosting_id, ip, coalesce(cidr, subnet_mask), gateway, node, 'mg_proxmox_addon_ip', id"
    " FROM mg_proxmox_addon_ip WHERE hosting_id > 0 ORDER BY 1, 6, 7"
)
_PROXMOXVM = "SELECT service_id, vmid, node FROM mod_proxmoxvm ORDER BY service_id"


@dataclass(slots=True)
class _Follower:
    """Rows sorted by an owner's id, handed out owner by owner; `orphans` counts those that no owner asked for."""

    rows: Iterator[Row]
    orphans: int = 0
    _next: Row | None = None

    def __post_init__(self) -> None:
        self._next = next(self.rows, None)

    def of(self, owner: int) -> list[Row]:
        """The rows of an owner, without the owner's id. Owners must be asked for in rising order."""
        found = []
        while self._next is not None and (self._next[0] or 0) <= owner:
            if self._next[0] == owner:
                found.append(self._next[1:])
            else:
                self.orphans += 1
            self._next = next(self.rows, None)
        return found

    def rest(self) -> int:
        """How many rows had no owner, all in all; to be asked at the end."""
        return self.orphans + (self._next is not None) + sum(1 for _ in self.rows)


@dataclass(slots=True)
class Services:
    """All services in the order of their ids, in one pass over the sorted tables."""

    staging: Staging
    shop: Shop
    vmid_fields: frozenset[int] | None = None  # read only these fields, and neither options nor addons
    orphans: dict[str, int] = field(default_factory=dict)
    twins: Set[int] = frozenset()  # ids that several services have: no row tells whose it is

    def __iter__(self) -> Iterator[Service]:
        light = self.vmid_fields is not None
        nothing: Iterator[Row] = iter(())
        options = _Follower(nothing if light else self.staging.rows(_OPTIONS))
        addons = _Follower(nothing if light else self.staging.rows(_ADDONS))
        fields = _Follower(self._fields())
        pvewhmcs, proxmoxvm, known = (
            _Follower(self.staging.rows(query)) for query in (_PVEWHMCS, _PROXMOXVM, _ADDRESSES)
        )
        for row in self.staging.rows(_SERVICE):
            id = row[0]
            if id in self.twins:
                continue
            links = [_pvewhmcs(link) for link in pvewhmcs.of(id)] + [_proxmoxvm(link) for link in proxmoxvm.of(id)]
            links += [_address(row) for row in known.of(id)]
            yield _service(row, options.of(id), fields.of(id), addons.of(id), tuple(links))
        if not light:
            followers = {"options": options, "addons": addons, "module links": pvewhmcs}
            self.orphans = {name: n for name, follower in followers.items() if (n := follower.rest())}

    def _fields(self) -> Iterator[Row]:
        if self.vmid_fields is None:
            # Values of clients and addons share the table: only the field tells them from those of services.
            return (row for row in self.staging.rows(_FIELDS) if row[1] in self.shop.fields)
        wanted = ", ".join(map(str, sorted(self.vmid_fields)))
        return self.staging.rows(_FIELDS.replace(" ORDER", f" WHERE fieldid IN ({wanted}) ORDER"))


def clients(staging: Staging, shop: Shop) -> Iterator[ClientRow]:
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


def users(staging: Staging) -> Iterator[UserRow]:
    """All users in the order of their ids."""
    query = "SELECT id, first_name, last_name, email, password, second_factor FROM tblusers WHERE id IS NOT NULL"
    twins = frozenset(staging.twins("tblusers"))
    for row in staging.rows(f"{query} ORDER BY id"):
        if row[0] not in twins:
            yield UserRow(row[0], *(str(value or "") for value in row[1:]))


def memberships(staging: Staging) -> Iterator[Membership]:
    """Who may act for whom, by client and user."""
    query = "SELECT auth_user_id, client_id, owner, permissions FROM tblusers_clients ORDER BY client_id, auth_user_id"
    for user, client, owner, permissions in staging.rows(query):
        yield Membership(_id(user), _id(client), bool(owner), permissions)


def _id(raw: int | None) -> int:
    return NOBODY if raw is None else raw


def _service(row: Row, options: list[Row], fields: list[Row], addons: list[Row], links: tuple[Link, ...]) -> Service:
    word = [str(value or "") for value in row]
    return Service(
        id=row[0],
        client=_id(row[1]),
        product=_id(row[2]),
        server=row[3] or 0,
        domain=text(row[4]).value,
        amount=word[5],
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
        options=tuple((option, choice or 0, qty) for option, choice, qty in options),
        fields=tuple((custom, value or "") for custom, value in fields),
        addons=tuple((addon, status, name, qty) for addon, status, name, qty in addons),
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
