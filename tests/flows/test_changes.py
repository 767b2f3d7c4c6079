"""One real server, changed in every way that there is, from its first name to its end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flows.customer import ADMIN, Customer
from tests.flows.running import RunningDemo

pytestmark = pytest.mark.qemu


def test_a_server_is_changed_in_every_way_there_is(demo: RunningDemo, alice: Customer) -> None:
    admin = Customer(demo, ADMIN)
    server, creation = alice.create("story-changed")
    alice.succeeded(creation, 180)
    before = alice.becomes(server, "running")

    def done(type: str, who: Customer = alice, **params: Any) -> None:
        who.succeeded(who.act(server, type, **params), 240)

    done("rename", name="story-changed.example.com")
    assert len(demo.named("story-changed.example.com")) == 1
    done("reset_password")
    done("snapshot", name="before")
    done("backup", name="weekly")
    (snapshot,) = alice.get(f"/v1/servers/{server}/snapshots")["data"]
    (backup,) = alice.get(f"/v1/servers/{server}/backups")["data"]
    assert (snapshot["name"], backup["name"], backup["size_bytes"] > 0) == ("before", "weekly", True)
    done("resize", plan="vps-m", restart=True)
    done("snapshot_restore", snapshot=snapshot["id"])
    changed = alice.becomes(server, "running")
    assert (changed["name"], changed["plan"]["disk_gib"]) == ("story-changed.example.com", 20)
    done("snapshot_delete", snapshot=snapshot["id"])
    done("suspend", admin, reason="abuse")
    assert alice.becomes(server, "suspended")["suspension"]["reasons"] == ["abuse"]
    done("unsuspend", admin, reason="abuse")
    done("backup_restore", backup=backup["id"])
    done("backup_delete", backup=backup["id"])
    done("rebuild", image="ubuntu-24.04", safety=True)
    assert alice.becomes(server, "running")["image"]["name"] == "Ubuntu 24.04"
    (safety,) = alice.get(f"/v1/servers/{server}/snapshots")["data"]
    done("snapshot_restore", snapshot=safety["id"])
    assert alice.becomes(server, "running")["image"]["name"] == "Debian 12"
    done("rebuild", image="debian-12")
    assert alice.get(f"/v1/servers/{server}/snapshots")["data"] == []
    after = alice.becomes(server, "running")
    assert (after["ips"], after["restart_needed"]) == (before["ips"], False)
    assert demo.guests()["orphan_volumes"] == []
    alice.succeeded(alice.terminate(server), 120)
    alice.becomes(server, "terminated", 120)
