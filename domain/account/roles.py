"""What each role of an account's members allows."""

from __future__ import annotations

from typing import Literal

# see: servers, their history, the account. act: everything done to a server that is there, its console too.
# order: new servers and other plans, which cost. end: a server's termination, and undoing it. manage: members.
Right = Literal["see", "act", "order", "end", "manage"]

RIGHTS: dict[str, frozenset[Right]] = {
    "owner": frozenset({"see", "act", "order", "end", "manage"}),
    "admin": frozenset({"see", "act", "order", "end", "manage"}),
    "operator": frozenset({"see", "act"}),
    "billing": frozenset({"see"}),
    "viewer": frozenset({"see"}),
}
# Actions on a server that need more than to act.
NEEDED: dict[str, Right] = {"resize": "order", "restore": "end", "terminate": "end"}


def may(role: str | None, right: Right) -> bool:
    """Whether a member of this role may; None is no member."""
    return right in RIGHTS.get(role or "", frozenset())
