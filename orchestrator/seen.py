"""What was seen of clusters lately and changes slowly, so that it need not be asked for again and again."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypervisor.port import Node, StorageRow


@dataclass(slots=True)
class Seen:
    """Each with the loop's time at which it was seen. `claimed`: addresses in the configurations of others' guests."""

    nodes: dict[str, tuple[float, list[Node]]] = field(default_factory=dict)
    storages: dict[tuple[str, str], tuple[float, StorageRow | None]] = field(default_factory=dict)
    claimed: dict[tuple[str, int], tuple[float, frozenset[str]]] = field(default_factory=dict)
