"""Firewall configurations of the cluster, the nodes and the guests, as the `.fw` files hold them.

Facts from pve-firewall Firewall.pm. Nothing is filtered: the configuration is kept, checked and given back.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from testbed.proxmox.errors import Die
from testbed.proxmox.store import Store

Entry = dict[str, Any]
CLUSTER = "cluster"


@dataclass(slots=True)
class Firewall:
    """One file. Aliases go by their lower-case names; only the cluster's has groups."""

    options: Entry = field(default_factory=dict)
    rules: list[Entry] = field(default_factory=list)
    ipset: dict[str, list[Entry]] = field(default_factory=dict)
    ipset_comments: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, Entry] = field(default_factory=dict)
    groups: dict[str, list[Entry]] = field(default_factory=dict)
    group_comments: dict[str, str] = field(default_factory=dict)


def guest(vmid: int | str) -> str:
    """The file of a guest."""
    return f"guest/{vmid}"


def host(node: str) -> str:
    """The file of a node."""
    return f"host/{node}"


def _key(file: str) -> str:
    return f"firewall:{file}"


def load(store: Store, file: str) -> Firewall:
    """A file's content; one that does not exist is empty."""
    return Firewall(**(store.get("setting", _key(file)) or {}))


def save(store: Store, file: str, content: Firewall) -> None:
    """Write a file; an empty one is removed."""
    if content == Firewall():
        store.delete("setting", _key(file))
    else:
        store.put("setting", _key(file), asdict(content))


def copy(store: Store, source: int, target: int) -> None:
    """What a clone gets from its source."""
    save(store, guest(target), load(store, guest(source)))


def remove(store: Store, vmid: int) -> None:
    """What a destroyed guest leaves: nothing."""
    store.delete("setting", _key(guest(vmid)))


def digest_of(entries: Iterable[Mapping[str, Any]]) -> str:
    """SHA-1 over the sorted properties of entries."""
    lines = [f"{key}:{entry[key]}\n" for entry in entries for key in sorted(entry)]
    return hashlib.sha1("".join(lines).encode(), usedforsecurity=False).hexdigest()


def with_digest(entries: list[Entry]) -> list[Entry]:
    """Copies of the entries that carry the digest of them all."""
    digest = digest_of(entries)
    return [entry | {"digest": digest} for entry in entries]


def check_digest(entries: Iterable[Mapping[str, Any]], digest: str | None) -> None:
    """Raise `Die` if `digest` is given and of another version."""
    if digest and digest != digest_of(entries):
        raise Die("detected modified configuration - file changed by other user? Try again.")


def others(store: Store) -> list[str]:
    """Every file but the cluster's."""
    keys = [key.removeprefix("firewall:") for key, _ in store.all("setting") if key.startswith("firewall:")]
    return [file for file in keys if file != CLUSTER]
