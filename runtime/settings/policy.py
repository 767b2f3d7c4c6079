"""How the operator wants things done."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runtime.settings.section import Section


class DriftPolicy(Section):
    """What is done by itself when a guest is not as the log says: the log follows, the guest is repaired, or staff are
    asked. What is not named here is always for staff, moves to other nodes are always followed.
    """

    power: Literal["follow", "repair", "ask"] = "follow"
    renamed: Literal["follow", "repair", "ask"] = "ask"
    reconfigured: Literal["follow", "repair", "ask"] = "ask"
    firewall: Literal["repair", "ask"] = "repair"
    leftover: Literal["repair", "ask"] = "ask"  # volumes of a server that was removed


class Policy(Section):
    """How the operator wants things done; times in seconds."""

    undo_window: int = Field(72 * 3600, ge=0)
    shutdown_timeout: int = Field(60, ge=1)
    address_timeout: int = Field(300, ge=1)
    observe_every: float = Field(10.0, gt=0)
    drift: DriftPolicy = DriftPolicy()
    lock_left_after: int = Field(900, ge=0)  # a lock that no task of the guest explains for so long was left behind
    closer_looks: int = Field(5, ge=0)  # guests whose configuration is read at each look, in turn
    address_quarantine: int = Field(3600, ge=0)  # how long a released address is given to nobody
    spread_accounts: bool = True  # keep an account's servers on different nodes where that is possible
    destroy_limit: int = Field(20, ge=0)  # guests removed within `destroy_window`; more wait for staff
    destroy_window: int = Field(600, ge=1)
    # Suspensions and terminations for billing within `billing_window`: more than so many, or than this share of all
    # servers (though never fewer than `billing_least`), wait for staff.
    billing_limit: int = Field(50, ge=0)
    billing_share: float = Field(0.05, ge=0, le=1)
    billing_least: int = Field(3, ge=0)
    billing_window: int = Field(600, ge=1)
