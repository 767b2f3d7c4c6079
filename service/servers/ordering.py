"""What an order of a server refers to: an account, a plan, an image, a location, and whether it fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request

from domain import ids
from domain.account.roles import may
from domain.catalogue.state import Item
from domain.placement import Candidate, Choice, Inputs, Need, NoChoice, Share, choose
from domain.server import events as e
from domain.server.decide import CreateServer
from domain.server.state import Server
from runtime.settings import Cluster, Config, Pool
from service.deps import caller, deps
from service.keys import keys
from service.reads import SQL, Market, Membership
from service.servers import user_data
from service.servers.models import Rebuild, ResetPassword, ServerCreate
from service.staff.clusters import modes
from service.web.problems import Fault, Problem, invalid

PREFIX = {"plan": ids.PLAN, "image": ids.IMAGE, "location": ids.LOCATION}


async def accounts(req: Request) -> list[UUID]:
    """The accounts for which the caller may order.

    Raises:
        Problem: there are none, and the caller is no staff.
    """
    return _accounts(req, await deps(req).reads.memberships(caller(req).user_id))


def _accounts(req: Request, memberships: Iterable[Membership]) -> list[UUID]:
    owned = [m.account_id for m in memberships if may(m.role, "order") and m.status != "closed"]
    if not owned and not caller(req).staff:
        raise Problem("forbidden", "You act for no account that could order a server.")
    return owned


async def command(
    req: Request, order: ServerCreate, operation_id: UUID, *, owned: Sequence[UUID] | None = None
) -> CreateServer:
    """The command an order means, for one of the accounts for which the caller may order, or of those `owned`.

    Raises:
        Problem: there are none; or it names something that is not there or not offered together.
    """
    named = {"image": order.image, "location": order.location, "plan": order.plan}
    market = await _market(req, named)
    account_id = await _account(req, order, _accounts(req, market.memberships) if owned is None else owned)
    found = _all(market, named)
    image, location = found["image"], found["location"]
    clusters = _offering(req, image, location, market.switched)
    if order.user_data is not None:
        user_data.check_place(clusters, location.declared["name"])
    return CreateServer(
        operation_id=operation_id,
        account_id=account_id,
        name=order.name,
        plan=_plan(found["plan"]),
        image=e.Image(id=image.id, **_only(image, "name", "template")),
        location=e.Location(id=location.id, **_only(location, "name", "key")),
        min_disk_gib=image.declared["min_disk_gib"],
        labels=order.labels,
        ssh_keys=await all_keys(req, order) or [],
        user_data=order.user_data is not None,
    )


async def all_keys(req: Request, asked: ServerCreate | Rebuild | ResetPassword) -> list[str] | None:
    """The public keys that are named and those that are given, each once; None when neither is said.

    Raises:
        Problem: the caller has no such key.
    """
    if asked.ssh_key_ids is None and asked.ssh_keys is None:
        return None
    named = await keys.public_keys(req, asked.ssh_key_ids or ())
    return list(dict.fromkeys([*named, *(asked.ssh_keys or ())]))


async def plan(req: Request, text: str) -> e.Plan:
    """A plan on offer, by id or key.

    Raises:
        Problem: there is none.
    """
    return _plan(await _item(req, "plan", text))


def _plan(item: Item) -> e.Plan:
    counts = {name: item.declared.get(name, 3) for name in ("snapshots", "backups")}
    return e.Plan(id=item.id, **_only(item, "name", "vcpus", "memory_mib", "disk_gib"), **counts)


async def image_for(req: Request, text: str, server: Server) -> e.Image:
    """An image on offer that a server can be rebuilt with.

    Raises:
        Problem: there is none, it is not where the server is, or its disk is larger than the plan's.
    """
    image = await _item(req, "image", text)
    cluster = _with_offers(req, [image]).known_cluster(server.cluster)
    if cluster is None or image.declared["template"] not in cluster.templates:
        raise invalid("/image", f"{image.declared['name']} is not offered in {server.location.name}.", "not_offered")
    await _check_image_is_there(req, server, image)
    if server.plan.disk_gib < image.declared["min_disk_gib"]:
        message = f"{image.declared['name']} needs a disk of at least {image.declared['min_disk_gib']} GiB."
        raise invalid("/image", message, "too_large")
    return e.Image(id=image.id, **_only(image, "name", "template"))


async def _check_image_is_there(req: Request, server: Server, image: Item) -> None:
    """On the server's own node, or on a storage that its node shares; only a closer look shows whether it can move."""
    seen = await deps(req).store.pool.fetchval(SQL.images_seen, server.cluster, server.node)
    if seen is not None and image.declared["template"] not in msgspec.json.decode(seen):
        message = f"{image.declared['name']} is not to be had where the server is: choose another image."
        raise invalid("/image", message, "not_offered")


async def where(req: Request, command: CreateServer) -> Choice | NoChoice | None:
    """Where an order would go now, by what was last seen of the nodes; None when none was seen yet. `NoChoice` when it
    would have to wait.

    Raises:
        Problem: it fits nowhere, or no address is free.
    """
    config, place = _with_offers(req, await deps(req).reads.offers()), command.location
    offering = [c.name for c in config.clusters_of(place.key) if command.image.template in c.templates]
    free = [name for name in offering if await _has_addresses(req, config.pools_of(place.key, name))]
    if not free:
        raise invalid("/location", f"{place.name} has no free address now.", "no_capacity")
    rows = await deps(req).store.pool.fetch(SQL.nodes_seen, free, command.account_id)
    found = choose(_inputs(command, rows, config, free)) if rows else None
    if isinstance(found, NoChoice) and not found.waits:
        debug = "; ".join(f"{node}: {reason}" for node, reason in found.reasons.items())
        fault = Fault("/plan", "no_capacity", f"{place.name} has no room for this plan now.")
        extra: dict[str, Any] = {"debug": debug} if caller(req).staff else {}
        raise Problem("invalid", fault.message, errors=[fault], **extra)
    return found


def _inputs(command: CreateServer, rows: Sequence[Any], config: Config, clusters: Sequence[str]) -> Inputs:
    need = Need(command.plan.memory_mib, command.plan.vcpus, command.plan.disk_gib, command.user_data)
    unseen = [name for name in clusters if name not in {row["cluster"] for row in rows}]
    seen = [_candidate(row, command.image.template, config.cluster_named(row["cluster"])) for row in rows]
    return Inputs(need, config.policy.spread_accounts, seen, unseen)


def _candidate(row: Any, template: str, cluster: Cluster) -> Candidate:
    image_node, image_vmid = msgspec.json.decode(row["images"]).get(template, (None, None))
    return Candidate(
        cluster=row["cluster"],
        node=row["node"],
        online=row["online"],
        maintenance=row["maintenance"],
        image_node=image_node,
        image_vmid=image_vmid,
        memory=Share(row["memory_mib"], row["memory_promised"]),
        vcpus=_share(row["vcpus"], row["vcpus_promised"]),
        disk=_share(row["disk_gib"], row["disk_promised"]),
        disk_free_gib=row["disk_free_gib"],
        disk_resource=row["disk_resource"],
        siblings=row["siblings"],
        user_data=user_data.takes([cluster]),
    )


def _share(limit: int | None, promised: int) -> Share | None:
    return None if limit is None else Share(limit, promised)


async def check_room(req: Request, server: Server, plan: Mapping[str, Any]) -> None:
    """Make sure that a server could have a plan where it is, as far as is promised there.

    Raises:
        Problem: it could not; it says of what there is not enough.
    """
    rows = await deps(req).store.pool.fetch(SQL.room_where_it_is, server.id)
    wanted = {"memory": plan["memory_mib"], "cores": plan["vcpus"], "disk": plan["disk_gib"]}
    short = [row["kind"] for row in rows if wanted[row["kind"]] - row["held"] > max(row["free"], 0)]
    if short:
        message = f"There is no room for {plan['name']} where the server is now: not enough {' and '.join(short)}."
        raise invalid("/plan", message, "no_capacity")


async def _has_addresses(req: Request, pools: Sequence[Pool]) -> bool:
    """Whether each family that servers get here has some left."""
    for version in (4, 6):
        family = [pool for pool in pools if pool.network.version == version and pool.per_server]
        if family and not any([await _has_address(req, pool) for pool in family]):
            return False
    return True


async def _has_address(req: Request, pool: Pool) -> bool:
    rest = float(deps(req).config.policy.address_quarantine)
    taken: int = await deps(req).store.pool.fetchval(SQL.addresses_taken, str(pool.first), str(pool.last), rest)
    return taken < pool.size


async def _account(req: Request, order: ServerCreate, owned: Sequence[UUID]) -> UUID:
    if order.account is not None:
        return await _named_account(req, order.account, owned)
    if len(owned) != 1:
        raise invalid("/account", "Say for which account: you act for none or for several.", "missing")
    return owned[0]


async def _named_account(req: Request, text: str, owned: Sequence[UUID]) -> UUID:
    id = ids.parse(ids.ACCOUNT, text)
    known = id in owned or (caller(req).staff and await deps(req).store.pool.fetchval(SQL.account, id))
    if id is None or not known:
        raise invalid("/account", "There is no such account for which you may order.", "unknown")
    return id


async def _item(req: Request, kind: str, text: str) -> Item:
    """The item on offer that an id or key names."""
    named = {kind: text}
    return _all(await _market(req, named), named)[kind]


async def _market(req: Request, named: Mapping[str, str]) -> Market:
    """What an order turns on that names these items, each by its id or its key."""
    reads, user_id = deps(req).reads, caller(req).user_id
    asked = [(kind, ids.parse(PREFIX[kind], text), text) for kind, text in named.items()]
    market = await reads.market(user_id, asked)
    if len(market.items) < len(asked):
        await reads.caught_up(user_id)  # who has just made it may order it
        market = await reads.market(user_id, asked)
    return market


def _all(market: Market, named: Iterable[str]) -> dict[str, Item]:
    """The items, all of them there."""
    for kind in named:
        if kind not in market.items:
            raise invalid(f"/{kind}", f"There is no such {kind}.", "unknown")
    return market.items


def _with_offers(req: Request, items: Iterable[Item]) -> Config:
    """The settings, and of these items what staff have made."""
    own = [(item.kind, item.declared) for item in items if item.declared.get("origin") == "staff"]
    return deps(req).config.with_offers(own) if own else deps(req).config


def _offering(req: Request, image: Item, location: Item, switched: Mapping[str, str]) -> list[Cluster]:
    """The clusters where the image is offered."""
    config = _with_offers(req, [image, location])
    mode_of, there = modes(config, switched), config.clusters_of(location.declared["key"])
    clusters = [cluster for cluster in there if mode_of[cluster.name] != "observe"]
    if not clusters:
        raise invalid("/location", f"{location.declared['name']} takes no new servers.", "not_offered")
    offering = [cluster for cluster in clusters if image.declared["template"] in cluster.templates]
    if not offering:
        message = f"{image.declared['name']} is not offered in {location.declared['name']}."
        raise invalid("/image", message, "not_offered")
    return offering


def _only(item: Item, *names: str) -> dict[str, Any]:
    return {name: item.declared[name] for name in names}
