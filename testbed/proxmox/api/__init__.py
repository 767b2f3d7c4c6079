"""The calls by area; importing this package registers them."""

from testbed.proxmox.api import (
    access,
    agent,
    clone,
    cluster,
    config,
    create,
    destroy,
    nodes,
    power,
    resize,
    status,
    storage,
    tasks,
    template,
)

__all__ = [
    "access",
    "agent",
    "clone",
    "cluster",
    "config",
    "create",
    "destroy",
    "nodes",
    "power",
    "resize",
    "status",
    "storage",
    "tasks",
    "template",
]
