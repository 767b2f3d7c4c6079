"""A look at one cluster as Hostler will use it: every thing that must be there, and how to mend what is not."""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from hypervisor import wire
from hypervisor.clusters import trust_of
from hypervisor.errors import Denied, HypervisorError
from hypervisor.port import GuestConfig
from hypervisor.setup import template
from hypervisor.setup.client import Client, Token, Trust
from hypervisor.setup.found import zones
from hypervisor.setup.privileges import LOCAL_ZONE, Release, needed, release_of
from runtime.settings import Cluster, SettingsError

Verdict = Literal["ok", "missing", "note"]
Row = Mapping[str, Any]

SKEW_SECONDS = 5.0
LEAST_FREE_GIB = 10
DISTRUST = re.compile("certificate|fingerprint|VERIFY_FAILED", re.IGNORECASE)  # in the words of urllib3 and OpenSSL
INIT = "run `hostler-admin proxmox init` again"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `mend` is what to do about it; a "note" can be left as it is."""

    name: str
    verdict: Verdict
    detail: str = ""
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The cluster under examination, through the first endpoint that answers. `nodes` are those to be used."""

    client: Client
    cluster: Cluster
    release: Release
    nodes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Content:
    """What a storage has to be allowed to hold, as Proxmox names it and in words."""

    name: str
    words: str


DISKS = Content("images", "disk images")
BACKUPS = Content("backup", "backups")
SNIPPETS = Content("snippets", "snippets")


async def examine(cluster: Cluster) -> AsyncIterator[Check]:
    """Every check of a configured cluster, as it is made. Changes nothing and raises nothing."""
    try:
        token = Token(cluster.token_id, cluster.token_secret())
        clients = [Client(url, Trust(trust_of(cluster), cluster.fingerprint), token) for url in cluster.endpoints]
    except (SettingsError, ValueError) as error:
        yield Check("settings", "missing", str(error), "correct hostler.toml")
        return
    try:
        async for check in _examine(cluster, clients):
            yield check
    finally:
        for client in clients:
            client.close()


async def _examine(cluster: Cluster, clients: Sequence[Client]) -> AsyncIterator[Check]:
    answering: list[tuple[Client, str]] = []
    for client in clients:
        try:
            answering.append((client, str((await client.get("version"))["version"])))
        except HypervisorError as error:
            yield await _unreachable(client, error)
            continue
        yield Check(f"endpoint {client.url}", "ok", f"Proxmox VE {answering[-1][1]}")
        yield _clock(client)
    for client, version in answering[:1]:
        release = release_of(version)
        if release is None:
            yield Check("release", "missing", f"Proxmox VE {version}", "Hostler needs release 8 or 9: upgrade")
            return
        async for check in _all(client, cluster, release):
            yield check


async def _all(client: Client, cluster: Cluster, release: Release) -> AsyncIterator[Check]:
    try:
        rows = await client.get("nodes")
    except HypervisorError as error:
        yield _failed("nodes", error)
        return
    online = [str(row["node"]) for row in rows if row.get("status") == "online"]
    subject = Subject(client, cluster, release, sorted(set(online) - set(cluster.ignored_nodes)))
    for check in _nodes(rows, cluster):
        yield check
    for name, looking in LOOKS.items():
        try:
            async for check in looking(subject):
                yield check
        except HypervisorError as error:
            yield _failed(name, error)


def _failed(name: str, error: HypervisorError) -> Check:
    mend = f"grant what is named: {INIT}" if isinstance(error, Denied) else "see the journal of pveproxy on that node"
    return Check(name, "missing", str(error), mend)


async def _unreachable(client: Client, error: HypervisorError) -> Check:
    name, text = f"endpoint {client.url}", str(error)
    if isinstance(error, Denied):
        return Check(name, "missing", text, "the token is unknown or its secret wrong: init --new-secret makes another")
    if DISTRUST.search(text):
        known = await asyncio.to_thread(fingerprint, client.url)
        mend = f'if `pvenode cert info` shows the same there: fingerprint = "{known}"'
        return Check(name, "missing", "its certificate is not trusted", mend)
    return Check(name, "missing", text, "is the node up, pveproxy running, and its port open from here?")


def fingerprint(url: str) -> str:
    """The SHA-256 of the certificate a server shows, as Proxmox prints it; "?" when it shows none."""
    address = urlsplit(url)
    try:
        pem = ssl.get_server_certificate((address.hostname or "", address.port or 8006), timeout=5)
    except OSError:
        return "?"
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest().hex(":").upper()


def _clock(client: Client) -> Check:
    skew, name = client.skew or 0.0, f"clock of {client.url}"
    if abs(skew) <= SKEW_SECONDS:
        return Check(name, "ok", f"{round(skew):+d} s")
    return Check(
        name, "missing", f"differs from ours by {round(skew):+d} s", "run chrony on the nodes and on this machine"
    )


def _nodes(rows: Sequence[Row], cluster: Cluster) -> Iterator[Check]:
    names = {str(row["node"]) for row in rows}
    for row in sorted(rows, key=lambda row: str(row["node"])):
        name, status = str(row["node"]), row.get("status")
        if name in cluster.ignored_nodes:
            yield Check(f"node {name}", "note", f"{status}, ignored by the settings")
        elif status != "online":
            yield Check(f"node {name}", "missing", f"is {status}", "bring it back, or name it in ignored_nodes")
    for name in sorted(set(cluster.ignored_nodes) - names):
        yield Check(f"node {name}", "missing", "is in ignored_nodes, but not in the cluster", "correct hostler.toml")


async def _reach(subject: Subject) -> AsyncIterator[Check]:
    """Calls for a node are passed on by the one that is asked: it must know the other's address and certificate."""
    for node in subject.nodes:
        try:
            status = await subject.client.get("nodes", node, "status")
        except HypervisorError as error:
            mend = f"on the node asked, `getent hosts {node}` must give its address; else `pvecm updatecerts`"
            yield Check(f"node {node}", "missing", str(error), INIT if isinstance(error, Denied) else mend)
            continue
        yield Check(f"node {node}", "ok", f"online, {status.get('pveversion', 'version unknown')}")


async def _quorum(subject: Subject) -> AsyncIterator[Check]:
    rows = await subject.client.get("cluster", "status")
    alone = all(row["type"] != "cluster" for row in rows)
    if wire.quorate_of(rows):
        yield Check("quorum", "ok", "a node that stands alone" if alone else "the cluster is quorate")
    else:
        yield Check("quorum", "missing", "no quorum: nothing can be changed", "see `pvecm status` on the nodes")


async def _rights(subject: Subject) -> AsyncIterator[Check]:
    cluster = subject.cluster
    zone = (await zones(subject.client)).get(cluster.bridge, LOCAL_ZONE)
    storages = [name for name in dict.fromkeys((cluster.storage, cluster.backup_storage)) if name]
    for path, privileges in needed(subject.release, storages, cluster.bridge, zone=zone).items():
        have = (await subject.client.get("access", "permissions", path=path)).get(path) or {}
        reaching = {name for name, propagates in have.items() if propagates or path not in {"/", "/vms"}}
        if missing := sorted(privileges - reaching):
            mend = f"grant them there to {cluster.token_id} and to its user: {INIT}"
            yield Check(f"rights on {path}", "missing", f"lacks {', '.join(missing)}", mend)
        else:
            yield Check(f"rights on {path}", "ok", f"{len(privileges)} privileges")


async def _storage(subject: Subject) -> AsyncIterator[Check]:
    async for check in _everywhere(subject, subject.cluster.storage, "storage", DISKS):
        yield check


async def _backups(subject: Subject) -> AsyncIterator[Check]:
    name = subject.cluster.backup_storage
    if name is None:
        mend = "name a storage for them as backup_storage in hostler.toml"
        yield Check("backup storage", "note", "none is configured: servers have no backups", mend)
        return
    async for check in _everywhere(subject, name, "backup storage", BACKUPS):
        yield check


async def _snippets(subject: Subject) -> AsyncIterator[Check]:
    """What is there on the nodes; whether the folder is the storage's own shows only where the orchestrators run."""
    named = subject.cluster.snippets
    if named is None:
        mend = "mount a storage for snippets where the orchestrators run, and name it as snippets in hostler.toml"
        yield Check("user data", "note", "no place for it is configured: servers are given none", mend)
        return
    async for check in _everywhere(subject, named.storage, "snippets", SNIPPETS):
        yield check


async def _everywhere(subject: Subject, name: str, what: str, content: Content) -> AsyncIterator[Check]:
    """One storage, which has to hold some content on every node."""
    for node in subject.nodes:
        label = f"{what} {name} on {node}"
        try:
            status = await subject.client.get("nodes", node, "storage", name, "status")
        except HypervisorError as error:
            grant = f"grant Datastore.Audit on /storage/{name}" if content is SNIPPETS else INIT
            unseen = f"there is none of this name, or it may not be seen: correct hostler.toml, or {grant}"
            mend = f"see `pvesm status` on {node}, or name the node in ignored_nodes"
            yield Check(label, "missing", error.text, unseen if isinstance(error, Denied) else mend)
            continue
        yield _judged(label, name, status, content)


def _judged(label: str, name: str, status: Row, content: Content) -> Check:
    free = int(status.get("avail") or 0) >> 30
    if not int(status.get("enabled", 1)):
        return Check(label, "missing", "is disabled", f"pvesm set {name} --disable 0")
    if not int(status.get("active") or 0):
        return Check(label, "missing", "is not active", "see `pvesm status` on that node")
    if content.name not in str(status.get("content", "")).split(","):
        return Check(label, "missing", f"takes no {content.words}", f"pvesm set {name} --content …,{content.name}")
    if content is not SNIPPETS and free < LEAST_FREE_GIB:
        return Check(label, "missing", f"only {free} GiB free", "free some space, or add some")
    return Check(label, "ok", f"{status.get('type')}, {free} GiB free")


async def _bridge(subject: Subject) -> AsyncIterator[Check]:
    bridge = subject.cluster.bridge
    for node in subject.nodes:
        try:
            rows = await subject.client.get("nodes", node, "network", type="any_bridge")
        except HypervisorError as error:
            yield _failed(f"bridge {bridge} on {node}", error)
            continue
        found = sorted(str(row["iface"]) for row in rows)
        if bridge in found:
            yield Check(f"bridge {bridge} on {node}", "ok")
        else:
            mend = "make it there, or name another in hostler.toml; without SDN.Use it is not shown"
            yield Check(f"bridge {bridge} on {node}", "missing", f"there are: {', '.join(found) or 'none'}", mend)


async def _templates(subject: Subject) -> AsyncIterator[Check]:
    rows = {int(row["vmid"]): row for row in await subject.client.get("cluster", "resources", type="vm")}
    if not subject.cluster.templates:
        yield Check("templates", "missing", "none is configured", "make one: `hostler-admin proxmox init --image …`")
    wanted = [(key, vmid) for key in subject.cluster.templates for vmid in sorted(subject.cluster.template_vmids(key))]
    for key, vmid in wanted:
        label = f"template {key} (VMID {vmid})"
        row = rows.get(vmid)
        if row is None or row["type"] != "qemu":
            yield Check(label, "missing", "there is no such VM", f"correct hostler.toml, or {INIT} with --image")
            continue
        try:
            for check in await _template(subject, label, str(row["node"]), vmid):
                yield check
        except HypervisorError as error:
            yield _failed(label, error)


async def _template(subject: Subject, label: str, node: str, vmid: int) -> list[Check]:
    path = ("nodes", node, "qemu", str(vmid))
    guest = wire.config_of(node, vmid, await subject.client.get(*path, "config"))
    wrong = [
        Check(label, "missing", fault, f"{mend} on {node}" if mend.startswith("qm ") else mend)
        for fault, mend in template.faults(guest)
    ]
    if not wrong and not subject.cluster.full_clone:
        feature = await subject.client.get(*path, "feature", feature="clone")
        if not int(feature.get("hasFeature") or 0):
            mend = "set full_clone = true, or make the template on a storage that can (ZFS, LVM-thin, RBD, qcow2)"
            wrong = [Check(label, "missing", "cannot be cloned by linking", mend)]
    return wrong or [await _whereabouts(subject, label, guest)]


async def _whereabouts(subject: Subject, label: str, guest: GuestConfig) -> Check:
    """A local disk ties every clone to the template's node."""
    if len(subject.nodes) > 1:
        storages = {volume.partition(":")[0] for volume in guest.volumes.values()}
        for storage in sorted(storages):
            status = await subject.client.get("nodes", guest.node, "storage", storage, "status")
            if not int(status.get("shared") or 0):
                detail = f"its disk is on {storage}, local to {guest.node}: servers begin there, and only there"
                return Check(label, "note", detail)
    return Check(label, "ok", f"on {guest.node}")


async def _range(subject: Subject) -> AsyncIterator[Check]:
    cluster = subject.cluster
    first, last = cluster.vmid_first, cluster.vmid_last
    rows = await subject.client.get("cluster", "resources", type="vm")
    inside = [row for row in rows if first <= int(row["vmid"]) <= last]
    # What Hostler makes are virtual machines cloned from templates, never templates or containers.
    foreign = sorted(int(row["vmid"]) for row in inside if row["type"] != "qemu" or row.get("template"))
    label = f"VMIDs {first}-{last}"
    if foreign:
        some = ", ".join(map(str, foreign[:5]))
        yield Check(label, "missing", f"used by others: {some}", "keep the range for Hostler: choose one that is free")
        return
    options = await subject.client.get("cluster", "options")
    lower, upper = _next_ids(options.get("next-id"))
    if lower <= last and upper > first:
        mend = f"choose a range outside {lower}-{upper - 1}, or narrow `next-id` in the datacenter's options"
        yield Check(label, "missing", "Proxmox proposes ids of it to others", mend)
        return
    yield Check(label, "ok", f"{len(inside)} guests in it")


def _next_ids(option: object) -> tuple[int, int]:
    """Where Proxmox looks for free ids, the end excluded (pve-manager API2/Cluster.pm nextid)."""
    given = option if isinstance(option, Mapping) else wire.properties(str(option or ""))
    return int(given.get("lower") or 100), int(given.get("upper") or 1_000_000)


async def _firewall(subject: Subject) -> AsyncIterator[Check]:
    options = await subject.client.get("cluster", "firewall", "options")
    if int(options.get("enable") or 0):
        yield Check("firewall", "ok", "on for the cluster")
    else:
        mend = "allow yourself in first (ports 22 and 8006), then switch it on in the datacenter's firewall options"
        yield Check("firewall", "note", "off for the cluster: guests can use one another's addresses", mend)


LOOKS: Mapping[str, Callable[[Subject], AsyncIterator[Check]]] = {
    "quorum": _quorum,
    "rights": _rights,
    "nodes": _reach,
    "storage": _storage,
    "backup storage": _backups,
    "user data": _snippets,
    "bridge": _bridge,
    "templates": _templates,
    "VMIDs": _range,
    "firewall": _firewall,
}
