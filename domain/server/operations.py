"""Every operation there is: its steps, what its server is called meanwhile, when it may be asked for and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Who = Literal["customer", "staff", "system"]

POWERED = frozenset({"running", "paused"})
READY = frozenset({"running", "stopped", "paused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of operation.

    `steps` in their order; the orchestrator takes them one by one and people see them by these names. `shown`: the
    server's status while it goes on, None where that stays what it is. `allowed`: the statuses in which people may ask
    for it; staff may also in `staff_allowed`. `who`: the least that may ask. `from_start`: a retry takes every step
    again, since what the first ones promised was given back.
    """

    steps: tuple[str, ...]
    shown: str | None = None
    allowed: frozenset[str] = frozenset()
    staff_allowed: frozenset[str] = frozenset()
    who: Who = "customer"
    from_start: bool = False


OPERATIONS: dict[str, Kind] = {
    "create": Kind(
        steps=("place", "clone", "configure", "guard", "resize", "start", "address"),
        shown="provisioning",
        who="system",
    ),
    "start": Kind(steps=("start",), shown="starting", allowed=frozenset({"stopped"})),
    "shutdown": Kind(steps=("shutdown",), shown="stopping", allowed=POWERED),
    "stop": Kind(steps=("stop",), shown="stopping", allowed=POWERED),
    "reboot": Kind(steps=("reboot",), shown="rebooting", allowed=frozenset({"running"})),
    "reset": Kind(steps=("reset",), shown="rebooting", allowed=POWERED),
    "rebuild": Kind(
        steps=("safety", "stop", "reimage", "clean", "configure", "guard", "resize", "start", "address"),
        shown="rebuilding",
        allowed=READY,
    ),
    "resize": Kind(
        steps=("reserve", "scale", "resize", "restart"),
        shown="resizing",
        allowed=frozenset({"running", "stopped"}),
        from_start=True,
    ),
    "rename": Kind(steps=("rename",), allowed=READY),
    "reset_password": Kind(steps=("credentials",), allowed=frozenset({"running", "stopped"})),
    "snapshot": Kind(steps=("snapshot",), allowed=READY),
    "snapshot_restore": Kind(
        steps=("rollback", "configure", "guard", "resize", "restart"), shown="restoring", allowed=READY
    ),
    "snapshot_delete": Kind(steps=("snapshot_delete",), allowed=READY),
    "backup": Kind(steps=("backup",), allowed=READY),
    "backup_restore": Kind(
        steps=("stop", "backup_restore", "configure", "guard", "resize", "restart"), shown="restoring", allowed=READY
    ),
    "backup_delete": Kind(steps=("backup_delete",), allowed=READY),
    "suspend": Kind(steps=("suspend",), staff_allowed=READY | {"suspended"}, who="staff"),
    "unsuspend": Kind(steps=("unsuspend",), staff_allowed=frozenset({"suspended"}), who="staff"),
    "repair": Kind(steps=("repair",), staff_allowed=READY | {"suspended"}, who="staff"),
    "terminate": Kind(
        steps=("stop", "schedule"),
        shown="terminating",
        allowed=READY | {"failed"},
        staff_allowed=frozenset({"suspended"}),
    ),
    "restore": Kind(steps=("restore",), shown="restoring", allowed=frozenset({"terminating"})),
    "destroy": Kind(steps=("stop", "destroy"), shown="terminating", who="system"),
}

USER_DATA = "user_data"  # the last step of an operation with user data: once it was handed over, it is taken away


def steps_of(type: str, *, user_data: bool = False) -> list[str]:
    """The steps of an operation; `user_data`: it comes with some."""
    return [*OPERATIONS[type].steps, *([USER_DATA] if user_data else [])]


# What keeps a server from its owner: lifting one does not lift another.
HOLDS = ("non_payment", "abuse", "admin")

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
