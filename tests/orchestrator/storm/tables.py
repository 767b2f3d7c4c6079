"""What PostgreSQL holds of it, in memory: every statement of the orchestrator by name, under the same constraints.

`test_tables.py` holds it to the real statements.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from random import Random
from typing import Any
from uuid import UUID

import asyncpg

from domain.record import Recorded
from domain.server.events import ServerRequested
from domain.server.evolve import evolve
from domain.server.state import Server
from eventstore.queries import Queries

Key = Any
Answer = list[dict[str, Any]]


class Row(dict[str, Any]):
    """A row of an answer, by name or by place."""

    def __getitem__(self, key: Any) -> Any:
        return list(self.values())[key] if isinstance(key, int) else super().__getitem__(key)


class UnknownStatement(SystemExit):
    """The storm cannot go on: somebody asks what the tables in memory have no answer to."""


NAMES = {
    text: name for package in ("eventstore", "orchestrator") for name, text in Queries(package)._statements.items()
}
UNSEEN = {"terminated", "unlinked", "provisioning", "failed"}


def unique(constraint: str) -> asyncpg.UniqueViolationError:
    """The error of a row that is there already."""
    error = asyncpg.UniqueViolationError(constraint)
    error.constraint_name = constraint
    return error


def check(constraint: str) -> asyncpg.CheckViolationError:
    """The error of a row that must not be."""
    error = asyncpg.CheckViolationError(constraint)
    error.constraint_name = constraint
    return error


@dataclass
class Tables:
    """The rows, by their keys; a row is replaced, never changed, so that a copy of the mappings is a savepoint."""

    clock: Callable[[], datetime]
    chance: Random
    streams: dict[UUID, list[Recorded[Any]]] = field(default_factory=dict)
    folded: dict[UUID, Server] = field(default_factory=dict)
    tx: int = 0
    rows: dict[str, dict[Key, dict[str, Any]]] = field(default_factory=dict)
    ring: Callable[[], None] = lambda: None

    def table(self, name: str) -> dict[Key, dict[str, Any]]:
        """One table."""
        return self.rows.setdefault(name, {})

    def run(self, statement: str, arguments: Sequence[Any]) -> list[Row]:
        """What a statement of `queries.sql` gives."""
        name = NAMES[statement]
        method = getattr(self, f"do_{name}", None)
        if method is None:
            raise UnknownStatement(f"the tables in memory do not know the statement {name!r}: add do_{name}")
        found: list[dict[str, Any]] | None = method(*arguments)
        return [Row(row) for row in found or []]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        kept = {name: dict(rows) for name, rows in self.rows.items()}
        try:
            yield
        except BaseException:
            self.rows = kept
            raise

    def server(self, id: UUID) -> Server:
        """A server as its events make it."""
        state = self.folded.get(id)
        known = state.version if state else 0
        for record in self.streams[id][known:]:
            state = evolve(state, record)
        assert state is not None
        self.folded[id] = state
        return state

    # Wakes

    def wake(self, stream: UUID, category: str, pos: int) -> None:
        """What the append statement does to the outbox."""
        outbox = self.table("outbox")
        old = outbox.get(stream)
        row = old or {"stream_id": stream, "category": category, "token": None, "attempts": 0, "error": None}
        due = self.clock() if row["token"] is None else row["due"]
        outbox[stream] = {**row, "tx": self.tx, "pos": pos, "due": due}

    def do_claim(self, categories: list[str], limit: int, seconds: float) -> Answer:
        now, outbox = self.clock(), self.table("outbox")
        due = sorted(
            (row for row in outbox.values() if row["due"] <= now and row["category"] in categories),
            key=lambda row: (row["due"], row["stream_id"]),
        )
        leased = []
        for row in due[:limit]:
            token = UUID(int=self.chance.getrandbits(128), version=4)
            new = {**row, "due": now + timedelta(seconds=seconds), "token": token, "attempts": row["attempts"] + 1}
            outbox[row["stream_id"]] = new
            leased.append(new)
        return leased

    def _held(self, stream: UUID, token: UUID) -> dict[str, Any] | None:
        row = self.table("outbox").get(stream)
        return row if row is not None and row["token"] == token else None

    def do_extend(self, stream: UUID, token: UUID, seconds: float) -> Answer:
        row = self._held(stream, token)
        if row is None:
            return []
        self.table("outbox")[stream] = {**row, "due": self.clock() + timedelta(seconds=seconds)}
        return [{"stream_id": stream}]

    def do_finish(self, stream: UUID, token: UUID, tx: int, pos: int) -> Answer:
        row = self._held(stream, token)
        if row is None:
            return []
        if (row["tx"], row["pos"]) <= (tx, pos):
            del self.table("outbox")[stream]
            return []
        self.table("outbox")[stream] = {**row, "due": self.clock(), "token": None, "attempts": 0, "error": None}
        return [{"due": True}]

    def do_postpone(
        self, stream: UUID, token: UUID, tx: int, pos: int, seconds: float, error: str | None, progress: bool
    ) -> Answer:
        row = self._held(stream, token)
        if row is None:
            return []
        newer = (row["tx"], row["pos"]) > (tx, pos)
        due = self.clock() + timedelta(seconds=0 if newer else seconds)
        attempts = 0 if progress else row["attempts"]
        self.table("outbox")[stream] = {**row, "due": due, "token": None, "error": error, "attempts": attempts}
        return [{"due": due <= self.clock()}]

    def do_next_due(self, categories: list[str]) -> Answer:
        due = [row["due"] for row in self.table("outbox").values() if row["category"] in categories]
        return [{"seconds": max(0.0, (min(due) - self.clock()).total_seconds())}] if due else []

    # What workers ask

    def do_now(self) -> Answer:
        return [{"now": self.clock()}]

    def do_offers(self) -> Answer:
        return []  # staff change nothing of what is offered in a storm

    def do_hindrances(self, cluster: str, node: str) -> Answer:
        switch = self.table("effects_switch").get(True)
        reasons = [
            row["reason"] for key, row in self.table("maintenance").items() if key in {(cluster, ""), (cluster, node)}
        ]
        paused = (switch["reason"] or "") if switch is not None and switch["paused"] else None
        mode = self.table("cluster_mode").get(cluster, {"mode": None})["mode"]
        return [{"paused": paused, "maintenance": min(reasons) if reasons else None, "mode": mode}]

    def do_cluster_modes(self, clusters: list[str]) -> Answer:
        modes = self.table("cluster_mode").items()
        return [{"cluster": cluster, "mode": row["mode"]} for cluster, row in modes if cluster in clusters]

    def do_secret(self, operation: UUID) -> Answer:
        row = self.table("secret").get(operation)
        return [row] if row else []

    def do_forget_secret(self, operation: UUID) -> None:
        self.table("secret").pop(operation, None)

    # VMIDs

    def do_highest_vmid(self, cluster: str, first: int, last: int) -> Answer:
        known = [vmid for name, vmid in self.table("vmid") if name == cluster and first <= vmid <= last]
        return [{"max": max(known, default=None)}]

    def do_own_vmid(self, cluster: str, vmid: int, server: UUID) -> None:
        vmids = self.table("vmid")
        if (cluster, vmid) in vmids:
            raise unique("vmid_pkey")
        if any(row["server_id"] == server and row["state"] == "owned" for row in vmids.values()):
            raise unique("vmid_server")
        vmids[cluster, vmid] = {"vmid": vmid, "cluster": cluster, "server_id": server, "state": "owned"}

    def do_burn_vmid(self, cluster: str, vmid: int, server: UUID) -> None:
        known = self.table("vmid").get((cluster, vmid))
        if known is not None and known["server_id"] != server:
            return
        burned = {"vmid": vmid, "cluster": cluster, "server_id": None, "state": "burned"}
        self.table("vmid")[cluster, vmid] = burned

    def do_release_vmid(self, server: UUID) -> None:
        vmids = self.table("vmid")
        for key, row in list(vmids.items()):
            if row["server_id"] == server and row["state"] == "owned":
                vmids[key] = {**row, "state": "released"}

    def do_owned_vmids(self, cluster: str) -> Answer:
        promised = self.table("memory_promise")
        owned = (row for row in self.table("vmid").values() if row["cluster"] == cluster and row["state"] == "owned")
        return [{"vmid": row["vmid"]} for row in owned if row["server_id"] in promised]

    # Addresses

    def do_taken_addresses(self, networks: list[str], seconds: float) -> Answer:
        wanted, since = [ip_network(text) for text in networks], self.clock() - timedelta(seconds=seconds)
        held = (row for row in self.table("address").values() if row["until"] is None or row["until"] > since)
        return [{"address": row["address"]} for row in held if _overlaps(row["address"], wanted)]

    def do_claim_address(self, address: str, server: UUID) -> None:
        addresses = self.table("address")
        wanted = [ip_network(address)]
        if any(row["until"] is None and _overlaps(row["address"], wanted) for row in addresses.values()):
            error = asyncpg.ExclusionViolationError("address_once")
            error.constraint_name = "address_once"
            raise error
        addresses[len(addresses)] = {"address": address, "server_id": server, "since": self.clock(), "until": None}

    def do_release_addresses(self, server: UUID) -> None:
        addresses = self.table("address")
        for key, row in list(addresses.items()):
            if row["server_id"] == server and row["until"] is None:
                addresses[key] = {**row, "until": self.clock()}

    # Capacity

    def do_ours(self, cluster: str) -> Answer:
        rows = self.table("vmid").values()
        return [{"vmid": row["vmid"]} for row in rows if row["cluster"] == cluster and row["state"] == "owned"]

    def do_maintained(self, cluster: str) -> Answer:
        return [{"node": node} for name, node in self.table("maintenance") if name == cluster]

    def do_capacity(self, cluster: str) -> Answer:
        rows = self.table("capacity").items()
        return [{"resource": key, "promised": row["promised"]} for key, row in rows if key.split("/")[1] == cluster]

    def do_siblings(self, account: UUID) -> Answer:
        rows = self.table("capacity_promise").items()
        found = Counter(key for (_, key), row in rows if row["account_id"] == account and key.startswith("cpu/"))
        return [{"resource": resource, "servers": servers} for resource, servers in found.items()]

    def do_promise_capacity(self, server: UUID, account: UUID, resource: str, limit: int, amount: int) -> None:
        if (server, resource) in self.table("capacity_promise"):
            raise unique("capacity_promise_pkey")
        self.table("capacity_promise")[server, resource] = {"account_id": account, "amount": amount}
        self._more(resource, limit, amount)

    def _more(self, resource: str, limit: int | None, amount: int) -> None:
        row = self.table("capacity").get(resource)
        was, most = (row["promised"], row["most"]) if row else (0, 0)
        if limit is not None:
            most = max(limit, was) if row else limit
        if was + amount > most:
            raise check("capacity_fits")
        self.table("capacity")[resource] = {"most": most, "promised": was + amount}

    def do_release_capacity(self, server: UUID) -> None:
        promises = self.table("capacity_promise")
        for key in [key for key in promises if key[0] == server]:
            self._more(key[1], None, -promises.pop(key)["amount"])

    def do_promise_more_capacity(self, server: UUID, cores: int, gib: int, cpus: int, disk: int) -> None:
        promises = self.table("capacity_promise")
        for key in [key for key in promises if key[0] == server]:
            wanted, limit = (cores, cpus) if key[1].startswith("cpu/") else (gib, disk)
            row = promises[key]
            self._more(key[1], limit, max(0, wanted - row["amount"]))
            promises[key] = {**row, "amount": max(wanted, row["amount"])}

    def do_promise_found_capacity(self, server: UUID, account: UUID, resource: str, amount: int) -> None:
        if (server, resource) in self.table("capacity_promise"):
            raise unique("capacity_promise_pkey")
        self.table("capacity_promise")[server, resource] = {"account_id": account, "amount": amount}
        self._beyond(resource, amount)

    def _beyond(self, resource: str, amount: int) -> None:
        row = self.table("capacity").get(resource, {"most": 0, "promised": 0})
        promised = row["promised"] + amount
        self.table("capacity")[resource] = {"most": max(row["most"], promised), "promised": promised}

    def do_move_capacity(self, server: UUID, node: str) -> None:
        promises = self.table("capacity_promise")
        moved = {key: _elsewhere(key[1], node) for key in promises if key[0] == server}
        moved = {key: wanted for key, wanted in moved.items() if wanted != key[1]}
        if any((server, wanted) in promises for wanted in moved.values()):
            raise unique("capacity_promise_pkey")
        for key, wanted in moved.items():
            row = promises[server, wanted] = promises.pop(key)
            self._more(key[1], None, -row["amount"])
            self._beyond(wanted, row["amount"])

    # Memory

    def do_promise_found_memory(self, cluster: str, node: str, limit: int, memory: int, server: UUID) -> None:
        if server in self.table("memory_promise"):
            raise unique("memory_promise_pkey")
        self.table("memory_promise")[server] = {"cluster": cluster, "node": node, "memory_mib": memory}
        self._promise_beyond(cluster, node, limit, memory)

    def _promise_beyond(self, cluster: str, node: str, limit: int, memory: int) -> None:
        nodes = self.table("node_promise")
        promised = nodes.get((cluster, node), {"promised_mib": 0})["promised_mib"] + memory
        nodes[cluster, node] = {"node": node, "limit_mib": max(limit, promised), "promised_mib": promised}

    def do_move_memory(self, server: UUID, node: str, limit: int) -> None:
        row = self.table("memory_promise").get(server)
        if row is not None and row["node"] != node:
            left = self.table("node_promise")[row["cluster"], row["node"]]
            left = {**left, "promised_mib": left["promised_mib"] - row["memory_mib"]}
            self.table("node_promise")[row["cluster"], row["node"]] = left
            self.table("memory_promise")[server] = {**row, "node": node}
            self._promise_beyond(row["cluster"], node, limit, row["memory_mib"])

    def do_promises(self, cluster: str) -> Answer:
        return [row for (name, _), row in self.table("node_promise").items() if name == cluster]

    def do_promise_memory(self, cluster: str, node: str, limit: int, memory: int, server: UUID) -> None:
        kept, nodes = self.table("memory_promise"), self.table("node_promise")
        if server in kept:
            raise unique("memory_promise_pkey")
        was = nodes.get((cluster, node), {"promised_mib": 0})["promised_mib"]
        most = max(limit, was) if (cluster, node) in nodes else limit
        if was + memory > most:
            raise check("node_promise_fits")
        kept[server] = {"cluster": cluster, "node": node, "memory_mib": memory}
        nodes[cluster, node] = {"node": node, "limit_mib": most, "promised_mib": was + memory}

    def do_release_memory(self, server: UUID) -> None:
        gone = self.table("memory_promise").pop(server, None)
        if gone is not None:
            key = gone["cluster"], gone["node"]
            row = self.table("node_promise")[key]
            self.table("node_promise")[key] = {**row, "promised_mib": row["promised_mib"] - gone["memory_mib"]}

    def do_promise_of(self, server: UUID) -> Answer:
        row = self.table("memory_promise").get(server)
        return [row] if row else []

    def do_promise_more(self, server: UUID, memory: int, limit: int) -> None:
        row = self.table("memory_promise").get(server)
        if row is not None:
            self._promise(server, row, max(row["memory_mib"], memory), limit)

    def do_promise_exactly(self, server: UUID, memory: int, cores: int, gib: int) -> Answer:
        row = self.table("memory_promise").get(server)
        if row is not None:
            limit = self.table("node_promise")[row["cluster"], row["node"]]["limit_mib"]
            self._promise_beyond(row["cluster"], row["node"], limit, memory - row["memory_mib"])
            self.table("memory_promise")[server] = {**row, "memory_mib": memory}
        promises = self.table("capacity_promise")
        for key in [key for key in promises if key[0] == server]:
            wanted = cores if key[1].startswith("cpu/") else gib
            self._beyond(key[1], wanted - promises[key]["amount"])
            promises[key] = {**promises[key], "amount": wanted}
        return [{"promise_exactly": None}]

    def _promise(self, server: UUID, row: dict[str, Any], memory: int, limit: int) -> None:
        key = row["cluster"], row["node"]
        node = self.table("node_promise")[key]
        total = node["promised_mib"] + memory - row["memory_mib"]
        most = max(limit, node["promised_mib"])
        if total > most:
            raise check("node_promise_fits")
        self.table("memory_promise")[server] = {**row, "memory_mib": memory}
        self.table("node_promise")[key] = {**node, "limit_mib": most, "promised_mib": total}

    def do_forget_old_secrets(self) -> None:
        secrets = self.table("secret")
        for key in [key for key, row in secrets.items() if row["at"] < self.clock() - timedelta(days=1)]:
            del secrets[key]

    # Operations and observations

    def do_lease_cluster(self, cluster: str, token: UUID, seconds: float) -> Answer:
        now, known = self.clock(), self.table("cluster_observation")
        row = known.get(cluster)
        if row is not None and row["token"] != token and (row["lease_until"] or now) > now:
            return []
        known[cluster] = {**(row or {}), "token": token, "lease_until": now + timedelta(seconds=seconds)}
        return [{"cluster": cluster}]

    def do_saw_cluster(self, cluster: str, token: UUID) -> None:
        self._observed(cluster, token, reachable=True, observed_at=self.clock(), error=None)

    def do_missed_cluster(self, cluster: str, token: UUID, error: str) -> None:
        self._observed(cluster, token, reachable=False, error=error)

    def _observed(self, cluster: str, token: UUID, **news: Any) -> None:
        row = self.table("cluster_observation").get(cluster)
        if row is not None and row["token"] == token:
            self.table("cluster_observation")[cluster] = {**row, **news}

    def servers(self) -> list[Server]:
        """Every server; other streams are none."""
        begun = (id for id, records in self.streams.items() if isinstance(records[0].event, ServerRequested))
        return [self.server(id) for id in begun]

    def do_guests_in_views(self, cluster: str, since: datetime) -> Answer:
        return [
            {
                "server_id": s.id,
                "vmid": s.vmid,
                "updated_at": s.updated_at,
                "there": s.status not in UNSEEN,
                "power": s.power,
                "node": s.node,
                "name": s.name if s.source is None else None,
                "drifted": bool(s.drift),
            }
            for s in self.servers()
            if s.cluster == cluster and s.vmid is not None and s.updated_at >= since
        ]

    def do_streams_known(self, ids: list[UUID]) -> Answer:
        return [{"stream_id": id} for id in self.streams if id in ids]

    def do_leave_cluster(self, cluster: str, token: UUID) -> None:
        self._observed(cluster, token, lease_until=None)

    def do_vmid_states(self, cluster: str, vmids: list[int]) -> Answer:
        known = self.table("vmid")
        return [{"vmid": v, "state": known[cluster, v]["state"]} for v in vmids if (cluster, v) in known]

    def do_burn_strangers(self, cluster: str, vmids: list[int]) -> None:
        for vmid in vmids:
            burned = {"vmid": vmid, "cluster": cluster, "server_id": None, "state": "burned"}
            self.table("vmid").setdefault((cluster, vmid), burned)

    def do_saw_nodes(self, cluster: str, rows: str) -> None:
        sights = self.table("node_sight")
        for key in [key for key in sights if key[0] == cluster]:
            del sights[key]
        sights.update({(cluster, row["node"]): {"cluster": cluster, **row} for row in json.loads(rows)})

    def do_released_vmids(self, cluster: str, after: int, limit: int) -> Answer:
        rows = (row for (name, vmid), row in self.table("vmid").items() if name == cluster and vmid > after)
        return [{"vmid": vmid} for vmid in sorted(row["vmid"] for row in rows if row["state"] == "released")[:limit]]

    def do_holders_of(self, addresses: list[str]) -> Answer:
        rows = (row for row in self.table("address").values() if row["until"] is None)
        return [{"address": r["address"], "server_id": r["server_id"]} for r in rows if r["address"] in addresses]

    # Slots

    def do_lock_slots(self, cluster: str) -> None:
        pass  # nothing comes between the statements of a transaction here

    def do_queue_again(self, operation: UUID, slot_seconds: float, queue_seconds: float) -> Answer:
        slots, now = self.table("slot"), self.clock()
        row = slots.get(operation)
        if row is None:
            return []
        turn = any(other["cluster"] == row["cluster"] and other["lease_until"] < now for other in slots.values())
        seconds = slot_seconds if row["granted"] else queue_seconds
        slots[operation] = {**row, "lease_until": now + timedelta(seconds=seconds)}
        return [{"granted": row["granted"], "turn": turn}]

    def do_take_free_slot(
        self,
        operation: UUID,
        stream: UUID,
        account: UUID,
        cluster: str,
        resources: list[str],
        ceilings: list[int],
        seconds: float,
    ) -> Answer:
        counts = {row["resource"]: row for row in self.do_slot_counts(cluster, resources) or []}
        full = any(
            counts[resource]["held"] >= int(min(ceiling, counts[resource]["allowed"]))
            for resource, ceiling in zip(resources, ceilings, strict=True)
        )
        if full or self.do_heads(cluster) or operation in self.table("slot"):
            return []
        self._slot(operation, stream, account, cluster, resources, seconds, granted=True)
        return [{"operation_id": operation}]

    def do_queue(
        self, operation: UUID, stream: UUID, account: UUID, cluster: str, resources: list[str], seconds: float
    ) -> None:
        self._slot(operation, stream, account, cluster, resources, seconds, granted=False)

    def _slot(
        self,
        operation: UUID,
        stream: UUID,
        account: UUID,
        cluster: str,
        resources: list[str],
        seconds: float,
        *,
        granted: bool,
    ) -> None:
        now = self.clock()
        self.table("slot").setdefault(
            operation,
            {
                "operation_id": operation,
                "stream_id": stream,
                "account_id": account,
                "cluster": cluster,
                "resources": resources,
                "granted": granted,
                "asked_at": now,
                "lease_until": now + timedelta(seconds=seconds),
            },
        )

    def do_keep_slot(
        self, operation: UUID, stream: UUID, account: UUID, cluster: str, resources: list[str], seconds: float
    ) -> None:
        self._slot(operation, stream, account, cluster, resources, seconds, granted=True)
        row, until = self.table("slot")[operation], self.clock() + timedelta(seconds=seconds)
        if row["lease_until"] < until - timedelta(seconds=10):
            self.table("slot")[operation] = {**row, "granted": True, "lease_until": until}

    def do_give_back_slot(self, operation: UUID, cluster: str) -> Answer:
        others = (row for key, row in self.table("slot").items() if key != operation)
        waiting = any(row["cluster"] == cluster and not row["granted"] for row in others)
        had = self.table("slot").pop(operation, None) is not None
        self.do_drop_expired_slots(cluster)
        return [{"had": had, "waiting": waiting}]

    def do_drop_expired_slots(self, cluster: str) -> None:
        slots, now = self.table("slot"), self.clock()
        for key in [key for key, row in slots.items() if row["cluster"] == cluster and row["lease_until"] < now]:
            del slots[key]

    def do_heads(self, cluster: str) -> Answer:
        waiting = [row for row in self.table("slot").values() if row["cluster"] == cluster and not row["granted"]]
        heads: dict[Any, dict[str, Any]] = {}
        for row in sorted(waiting, key=lambda row: (row["asked_at"], row["operation_id"])):
            heads.setdefault((row["account_id"], tuple(row["resources"])), row)
        names = ("operation_id", "account_id", "resources", "asked_at")
        return [{name: row[name] for name in names} for row in heads.values()]

    def do_slot_counts(self, cluster: str, resources: list[str]) -> Answer:
        granted = [row for row in self.table("slot").values() if row["cluster"] == cluster and row["granted"]]
        limits = self.table("slot_limit")
        return [
            {
                "resource": resource,
                "allowed": limits[resource]["allowed"] if resource in limits else float("inf"),
                "held": sum(resource in row["resources"] for row in granted),
            }
            for resource in resources
        ]

    def do_served(self, cluster: str) -> Answer:
        held = Counter(
            row["account_id"] for row in self.table("slot").values() if row["cluster"] == cluster and row["granted"]
        )
        return [{"account_id": account, "held": count} for account, count in held.items()]

    def do_grant_slots(self, operations: list[UUID], seconds: float) -> None:
        slots, until = self.table("slot"), self.clock() + timedelta(seconds=seconds)
        for operation in operations:
            if operation in slots:
                slots[operation] = {**slots[operation], "granted": True, "lease_until": until}

    def do_wake_granted(self, operations: list[UUID]) -> None:
        slots, outbox = self.table("slot"), self.table("outbox")
        for operation in operations:
            row = outbox.get(slots[operation]["stream_id"]) if operation in slots else None
            if row is not None and row["token"] is None:
                outbox[row["stream_id"]] = {**row, "due": self.clock()}
                self.ring()

    def do_lower_limits(self, resources: list[str], ceilings: list[int]) -> None:
        limits, now = self.table("slot_limit"), self.clock()
        for resource, ceiling in zip(resources, ceilings, strict=True):
            row = limits.get(resource)
            if row is None:
                limits[resource] = {"allowed": float(max(1, ceiling // 2)), "lowered_at": now}
            elif row["lowered_at"] < now - timedelta(seconds=5):
                limits[resource] = {"allowed": max(1.0, row["allowed"] / 2), "lowered_at": now}

    def do_raise_limits(self, resources: list[str], ceilings: list[int]) -> None:
        limits = self.table("slot_limit")
        for resource, ceiling in zip(resources, ceilings, strict=True):
            row = limits.get(resource)
            if row is not None and row["allowed"] < ceiling:
                limits[resource] = {**row, "allowed": min(float(ceiling), row["allowed"] + 0.1)}

    # Removals

    def do_lock_destroy_guard(self) -> None:
        pass

    def do_let_destroy(self, operation: UUID, window: float, limit: int) -> Answer:
        done, now = self.table("destruction"), self.clock()
        guard = self.table("destroy_guard").get(True, {"tripped_at": None, "allowed_until": None})
        recent = sum(row["at"] > now - timedelta(seconds=window) for row in done.values())
        staff = guard["allowed_until"] is not None and guard["allowed_until"] > now
        if operation not in done and (staff or (guard["tripped_at"] is None and recent < limit)):
            done[operation] = {"at": now}
        return [{"let": operation in done}]

    def do_trip_destroy_guard(self) -> None:
        guard = self.table("destroy_guard").get(True, {"tripped_at": None, "allowed_until": None})
        self.table("destroy_guard")[True] = {**guard, "tripped_at": guard["tripped_at"] or self.clock()}


def _elsewhere(resource: str, node: str) -> str:
    parts = resource.split("/")
    return "/".join([*parts[:-1], node]) if len(parts) == (3 if parts[0] == "cpu" else 4) else resource


def _overlaps(text: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    held = ip_network(text)
    return any(held.version == network.version and held.overlaps(network) for network in networks)
