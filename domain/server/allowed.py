"""Which action is allowed in which status: the one table, mirrored by the dashboard."""

from __future__ import annotations

ALLOWED: dict[str, frozenset[str]] = {
    "start": frozenset({"stopped"}),
    "shutdown": frozenset({"running", "paused"}),
    "stop": frozenset({"running", "paused"}),
    "reboot": frozenset({"running"}),
    "reset": frozenset({"running", "paused"}),
    "terminate": frozenset({"running", "stopped", "paused", "failed"}),
    "restore": frozenset({"terminating"}),
}

WHY = {
    "provisioning": "the server is still being created",
    "running": "the server is running",
    "stopped": "the server is stopped",
    "paused": "the server is paused",
    "suspended": "the server is suspended",
    "terminating": "the server is being terminated",
    "terminated": "the server no longer exists",
    "failed": "the server could not be created",
    "unlinked": "the server is not linked to a virtual machine",
    "unknown": "the state of the server is not known yet",
}
