"""Pools of VMs and storages (pve-manager API2/Pool.pm)."""

import re

from testbed.proxmox import formats
from testbed.proxmox.access import identities
from testbed.proxmox.access.pools import Pool
from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.resources import guest_row, storage_row
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import Die, while_doing
from testbed.proxmox.formats import split_list
from testbed.proxmox.schema import Param

POOLID = Param(optional=False, check=identities.pool_name)
TYPE = Param(enum=("qemu", "lxc", "storage"))
ALLOCATE = perm("/pool/{poolid}", "Pool.Allocate")
ONE = "/pools/{poolid}"


UPDATE = {
    "comment": Param(),
    "vms": Param(listed=True, check=formats.each(formats.vmid)),
    "storage": Param(listed=True, check=formats.each(formats.storage_id)),
    "allow-move": Param("boolean"),
    "delete": Param("boolean"),
}
FILTERS = {"poolid": Param(check=identities.pool_name), "type": Param(enum=TYPE.enum, requires="poolid")}


@route("GET", "/pools", everybody, FILTERS)
async def pools(call: Call) -> list[Row]:
    """The pools that the caller may see; or with `poolid` that pool, which the original shows to everybody."""
    if "poolid" in call.values:
        return [_shown(call)]
    access = call.node.access
    seen = [name for name in access.pools if access.may(call.who, f"/pool/{name}", "Pool.Audit")]
    return [{"poolid": name, **_comment(_pool(call, name))} for name in seen]


@route("GET", ONE, perm("/pool/{poolid}", "Pool.Audit"), {"type": TYPE})
async def read(call: Call) -> Row:
    """One pool with its members (the deprecated way, not for nested pools)."""
    return _shown(call)


def _pool(call: Call, name: str) -> Pool:
    pool = call.node.access.pools.get(name)
    if pool is None:
        raise Die(f"pool '{name}' does not exist")
    return pool


def _comment(pool: Pool) -> Row:
    return {"comment": pool.comment} if pool.comment else {}


def _shown(call: Call) -> Row:
    name = call.values["poolid"]
    pool = _pool(call, name)
    members = [*_guests(call, pool), *_storages(call, pool)]
    return {"poolid": name, "members": members, **_comment(pool)}


def _guests(call: Call, pool: Pool) -> list[Row]:
    rows = [row for vmid in sorted(pool.vms, key=str) if (row := guest_row(call.cluster, vmid))]
    return [row for row in rows if call.values.get("type", row["type"]) == row["type"]]


def _storages(call: Call, pool: Pool) -> list[Row]:
    if call.values.get("type", "storage") != "storage":
        return []
    storages = [storage for storage in call.entry.storages() if storage.name in pool.storages]
    return [storage_row(call.entry, storage) for storage in sorted(storages, key=lambda storage: storage.name)]


@route("POST", "/pools", ALLOCATE, {"poolid": POOLID, "comment": Param()}, protected=True)
async def create(call: Call) -> None:
    """Add an empty pool; a nested one needs the one it is in."""
    access, name = call.node.access, call.values["poolid"]
    parent, _, leaf = name.rpartition("/")
    with while_doing("create pool failed"):
        if name in access.pools:
            raise Die(f"pool '{name}' already exists")
        if parent and parent not in access.pools:
            raise Die(f"parent '{parent}' of pool '{name}' does not exist")
        if not access.release.old and not re.match("[A-Za-z]", leaf):
            raise Die("pool name must start with a letter")
    access.pools.create(name, call.values.get("comment", ""))
    access.save()


@route("PUT", "/pools", ALLOCATE, {"poolid": POOLID, **UPDATE}, protected=True)
async def update(call: Call) -> None:
    """Change the comment, add or remove members; all or nothing."""
    access, name = call.node.access, call.values["poolid"]
    vms, storages = (split_list(call.values.get(kind, "")) for kind in ("vms", "storage"))
    with while_doing("update pools failed"):
        pool = _pool(call, name)
        for vmid in vms:
            _check_vm(call, int(vmid), pool)
        for storage in storages:
            _check_storage(call, storage, pool)
    pool.comment = call.values.get("comment", pool.comment)
    for vmid in vms:
        access.pools.remove_vm(int(vmid)) if call.flag("delete") else access.pools.add_vm(int(vmid), name)
    for storage in storages:
        (pool.storages.discard if call.flag("delete") else pool.storages.add)(storage)
    access.save()


@route("PUT", ONE, ALLOCATE, UPDATE, protected=True)
async def update_deprecated(call: Call) -> None:
    """The same in the deprecated way."""
    await update(call)


def _check_vm(call: Call, vmid: int, pool: Pool) -> None:
    access = call.node.access
    access.check_modify(call.who, f"/vms/{vmid}")
    if call.flag("delete"):
        if vmid not in pool.vms:
            raise Die(f"VM {vmid} is not a pool member")
        return
    if vmid in pool.vms:
        raise Die(f"VM {vmid} is already a pool member")
    other = access.pools.of_vm(vmid)
    if other is not None:
        if not call.flag("allow-move"):
            raise Die(f"VM {vmid} belongs already to pool '{other}' and 'allow-move' is not set")
        call.check(f"/pool/{other}", "Pool.Allocate")


def _check_storage(call: Call, storage: str, pool: Pool) -> None:
    call.node.access.check_modify(call.who, f"/storage/{storage}")
    if call.flag("delete") != (storage in pool.storages):
        state = "not a" if call.flag("delete") else "already a"
        raise Die(f"Storage '{storage}' is {state} pool member")


@route("DELETE", "/pools", ALLOCATE, {"poolid": POOLID}, protected=True)
async def delete(call: Call) -> None:
    """Remove a pool without members, and the rights at it."""
    access, name = call.node.access, call.values["poolid"]
    with while_doing("delete pool failed"):
        _check_empty(call, name, _pool(call, name))
    access.pools.delete(name)
    access.acl.forget_path(f"/pool/{name}")
    access.save()


@route("DELETE", ONE, ALLOCATE, protected=True)
async def delete_deprecated(call: Call) -> None:
    """The same in the deprecated way."""
    await delete(call)


def _check_empty(call: Call, name: str, pool: Pool) -> None:
    """Destroyed guests and removed storages do not count."""
    inner = [f"pool '{other}'" for other in call.node.access.pools if other.rpartition("/")[0] == name]
    guests = [f"VM {vmid}" for vmid in sorted(pool.vms, key=str) if call.node.taken(vmid)]
    storages = [f"storage '{one}'" for one in sorted(pool.storages) if one in call.cluster.storages]
    if members := [*inner, *guests, *storages]:
        raise Die(f"pool '{name}' is not empty (contains {members[0]})")
