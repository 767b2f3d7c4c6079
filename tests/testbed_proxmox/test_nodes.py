"""What a node and the cluster tell about themselves."""

from typing import Any

import pytest

from tests.testbed_proxmox.bed import NODE, Bed

pytestmark = pytest.mark.pve
SHAPES: dict[str, Any] = {
    f"/nodes/{NODE}/dns": {"dns1"},
    f"/nodes/{NODE}/subscription": {"serverid", "url", "message", "status"},
    f"/nodes/{NODE}/hosts": {"data", "digest"},
    f"/nodes/{NODE}/version": {"release", "version", "repoid"},
    f"/nodes/{NODE}/services/pveproxy/state": {"name", "service", "desc", "state", "active-state", "unit-state"},
    f"/nodes/{NODE}/disks/lvm": {"leaf", "children"},
    "/cluster/options": {"mac_prefix", "allowed-tags", "description"},
}
LISTS = (
    *("", "/services", "/syslog", "/journal", "/netstat", "/network", "/apt", "/apt/versions", "/apt/update"),
    *("/aplinfo", "/certificates", "/disks", "/disks/list", "/disks/zfs", "/scan", "/hardware", "/hardware/pci"),
    *("/hardware/usb", "/capabilities", "/capabilities/qemu", "/capabilities/qemu/cpu", "/sdn", "/sdn/zones"),
    *("/capabilities/qemu/machines", "/replication", "/scan/lvm", "/scan/zfs", "/hardware/pci/0000:01:00.0/mdev"),
)
CLUSTER_LISTS = (
    *("", "/config", "/config/nodes", "/ha", "/ha/status", "/ha/status/current", "/ha/resources", "/ha/groups"),
    *("/log", "/sdn", "/sdn/vnets", "/sdn/zones", "/sdn/ipams", "/replication", "/mapping", "/mapping/pci", "/jobs"),
    *("/metrics", "/metrics/server", "/acme", "/acme/account", "/acme/plugins", "/acme/directories", "/notifications"),
    *("/notifications/targets", "/notifications/matchers", "/notifications/endpoints/sendmail", "/ceph"),
)


@pytest.mark.parametrize("path", sorted(SHAPES))
async def test_answers_have_the_recorded_keys(bed: Bed, path: str) -> None:
    assert set(await bed.get(path)) == SHAPES[path]


async def test_lists_are_lists(bed: Bed) -> None:
    for path in [f"/nodes/{NODE}{path}" for path in LISTS] + [f"/cluster{path}" for path in CLUSTER_LISTS]:
        assert isinstance(await bed.get(path), list), path


async def test_what_is_not_installed_says_so(bed: Bed) -> None:
    for path in ("/cluster/ceph/status", f"/nodes/{NODE}/ceph/status"):
        response = await bed.call("GET", path)
        assert (response.status_code, response.reason_phrase) == (500, "binary not installed: /usr/bin/ceph-mon")


async def test_a_time_zone_moves_the_local_time(bed: Bed) -> None:
    path = f"/nodes/{NODE}/time"
    await bed.put(path, timezone="Asia/Tokyo")
    found = await bed.get(path)
    assert (found["timezone"], found["localtime"] - found["time"]) == ("Asia/Tokyo", 9 * 3600)
    refused = await bed.call("PUT", path, {"timezone": "Mars/Base"})
    assert refused.json()["errors"] == {"timezone": "invalid format - invalid time zone 'Mars/Base'\n"}


async def test_services_are_switched_in_tasks(bed: Bed) -> None:
    assert await bed.run("POST", f"/nodes/{NODE}/services/pveproxy/restart") == "OK"
    (task,) = await bed.get(f"/nodes/{NODE}/tasks", typefilter="srvrestart")
    assert task["id"] == "pveproxy"


async def test_a_single_node_gives_no_join_information(bed: Bed) -> None:
    response = await bed.call("GET", "/cluster/config/join")
    text = "node is not in a cluster, no join info available!"
    assert (response.status_code, response.reason_phrase) == (424, text)


async def test_the_certificate_is_the_one_of_the_port(bed: Bed) -> None:
    (found,) = await bed.get(f"/nodes/{NODE}/certificates/info")
    assert found["fingerprint"] == bed.node.fingerprint
    assert found["pem"].startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in found["pem"]


async def test_options_of_the_datacenter_are_shown_in_their_parts(bed: Bed) -> None:
    await bed.put("/cluster/options", **{"next-id": "lower=200,upper=900", "migration": "insecure", "keyboard": "de"})
    found = await bed.get("/cluster/options")
    assert found["next-id"] == {"lower": 200, "upper": 900}
    assert found["migration"] == {"type": "insecure"}
    await bed.put("/cluster/options", delete="keyboard,migration")
    assert not {"keyboard", "migration"} & set(await bed.get("/cluster/options"))


async def test_tags_in_use_are_allowed(bed: Bed) -> None:
    await bed.put(f"{await bed.cloned(100)}/config", tags="blue;green")
    assert (await bed.get("/cluster/options"))["allowed-tags"] == ["blue", "green", "template"]


async def test_changes_of_the_network_wait_until_they_are_applied(bed: Bed) -> None:
    path = f"/nodes/{NODE}/network"
    await bed.post(path, iface="vmbr1", type="bridge", cidr="10.1.0.1/24", autostart=1)
    made = await bed.get(f"{path}/vmbr1")
    assert (made["address"], made["netmask"], made["method"], "active" in made) == ("10.1.0.1", "24", "static", False)
    await bed.delete(path)
    assert [row["iface"] for row in await bed.get(path, type="any_bridge")] == ["vmbr0"]
    await bed.post(path, iface="vmbr1", type="bridge")
    assert await bed.run("PUT", path) == "OK"
    assert (await bed.get(f"{path}/vmbr1"))["active"] == 1
    taken = await bed.call("POST", path, {"iface": "vmbr2", "type": "bridge", "bridge_ports": "eno1"})
    assert taken.json()["errors"] == {"bridge_ports": "eno1 is already used on interface 'vmbr0'."}


async def test_the_log_tells_of_tasks(bed: Bed) -> None:
    await bed.cloned(100)
    texts = [row["msg"] for row in await bed.get("/cluster/log")]
    assert any(text.startswith("starting task UPID:") for text in texts)
    assert any(text.endswith(":qmclone:9000:root@pam!hostler: OK") for text in texts)


@pytest.fixture
async def auditor(bed: Bed) -> dict[str, str]:
    await bed.post("/access/users", userid="nobody@pve", password="secret12")
    form = {"username": "nobody@pve", "password": "secret12"}
    data = (await bed.call("POST", "/access/ticket", form, headers={})).json()["data"]
    return {"Cookie": f"PVEAuthCookie={data['ticket']}"}


async def test_whoever_may_nothing_sees_little(bed: Bed, auditor: dict[str, str]) -> None:
    response = await bed.call("GET", f"/nodes/{NODE}/dns", headers=auditor)
    assert response.status_code == 403
    shown = (await bed.call("GET", "/cluster/options", headers=auditor)).json()["data"]
    assert set(shown) == {"allowed-tags"}
    assert (await bed.call("GET", f"/nodes/{NODE}/network?type=any_bridge", headers=auditor)).json()["data"] == []
