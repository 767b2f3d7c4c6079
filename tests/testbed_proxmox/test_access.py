"""Who gets in, and who may do what."""

import time

import pytest

from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve
VM = "/nodes/pve1/qemu/9000"


async def user_token(bed: Bed, privsep: int, **details: int) -> dict[str, str]:
    """The headers of a token of a new user."""
    await bed.post("/access/users", userid="op@pve", password="long enough")
    token = await bed.post("/access/users/op@pve/token/t1", privsep=privsep, **details)
    return {"Authorization": f"PVEAPIToken=op@pve!t1={token['value']}"}


async def test_a_refused_login_takes_its_time(bed: Bed) -> None:
    bed.node.knobs.login_delay_seconds = 0.3
    started = time.monotonic()
    answer = await bed.call("POST", "/access/ticket", {"username": "root@pam", "password": "no"}, headers={})
    assert time.monotonic() - started >= 0.3
    assert (answer.status_code, answer.reason_phrase) == (401, "authentication failure")


async def test_without_credentials_there_is_no_body(bed: Bed) -> None:
    answer = await bed.call("GET", "/version", headers={})
    assert (answer.status_code, answer.reason_phrase, answer.content) == (401, "No ticket", b"")


async def test_a_ticket_reads_but_writes_only_with_its_csrf_token(bed: Bed) -> None:
    headers = await bed.login()
    cookie = {"Cookie": headers["Cookie"]}
    assert (await bed.call("GET", "/version", headers=cookie)).status_code == 200
    refused = await bed.call("PUT", f"{VM}/config", {"onboot": 1}, headers=cookie)
    assert (refused.status_code, refused.reason_phrase) == (401, "Permission denied - invalid csrf token")
    assert (await bed.call("PUT", f"{VM}/config", {"onboot": 1}, headers=headers)).status_code == 200


async def test_an_old_ticket_is_no_ticket(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = await bed.login()
    monkeypatch.setattr("testbed.proxmox.access.tickets.TICKET_SECONDS", 0)
    assert (await bed.call("GET", "/version", headers=headers)).reason_phrase == "Authentication failed!"


async def test_a_user_without_rights_sees_nothing_and_learns_nothing(bed: Bed) -> None:
    nobody = await user_token(bed, privsep=0)
    assert (await bed.call("GET", "/nodes/pve1/qemu", headers=nobody)).json()["data"] == []
    for vmid in (9000, 4711):
        answer = await bed.call("GET", f"/nodes/pve1/qemu/{vmid}/config", headers=nobody)
        assert (answer.status_code, answer.reason_phrase) == (
            403,
            f"Permission check failed (/vms/{vmid}, VM.Audit)",
        )


async def test_rights_reach_down_and_a_separated_token_needs_its_own(bed: Bed) -> None:
    separated = await user_token(bed, privsep=1)
    await bed.put("/access/acl", path="/vms", users="op@pve", roles="PVEVMAdmin")
    assert (await bed.call("GET", f"{VM}/config", headers=separated)).status_code == 403
    await bed.put("/access/acl", path="/vms/9000", tokens="op@pve!t1", roles="PVEVMUser")
    assert (await bed.call("GET", f"{VM}/config", headers=separated)).status_code == 200
    clone = await bed.call("POST", f"{VM}/clone", {"newid": 200}, headers=separated)
    assert clone.reason_phrase == "Permission check failed (/vms/9000, VM.Clone)"


async def test_clone_needs_storage_and_network_too(bed: Bed) -> None:
    token = await user_token(bed, privsep=0)
    await bed.put("/access/acl", path="/vms", users="op@pve", roles="PVEVMAdmin")
    reasons = []
    for path, role in (("/storage/local", "PVEDatastoreUser"), ("/sdn/zones/localnetwork", "PVESDNUser")):
        reasons.append((await bed.call("POST", f"{VM}/clone", {"newid": 200}, headers=token)).reason_phrase)
        await bed.put("/access/acl", path=path, users="op@pve", roles=role)
    assert reasons == [
        "Permission check failed (/storage/local, Datastore.AllocateSpace)",
        "Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)",
    ]
    assert (await bed.call("POST", f"{VM}/clone", {"newid": 200}, headers=token)).status_code == 200


async def test_roots_token_is_not_root(bed: Bed) -> None:
    answer = await bed.call("DELETE", VM, {"skiplock": 1})
    assert answer.json()["errors"] == {"skiplock": "Only root may use this option."}
    for option, value in (("migratedfrom", "pve1"), ("stateuri", "tcp"), ("force-cpu", "host")):
        answer = await bed.call("POST", f"{VM}/status/start", {option: value})
        assert answer.json()["errors"] == {option: "Only root may use this option."}
    answer = await bed.call("PUT", f"{VM}/config", {"lock": "backup"})
    assert answer.reason_phrase == "only root can set 'lock' config"


async def test_tokens_see_their_own_tasks_only(bed: Bed) -> None:
    token = await user_token(bed, privsep=0)
    await bed.cloned(200)
    upid = (await bed.get("/nodes/pve1/tasks"))[0]["upid"]
    assert (await bed.call("GET", "/nodes/pve1/tasks", headers=token)).json()["data"] == []
    assert (await bed.call("GET", f"/nodes/pve1/tasks/{upid}/status", headers=token)).status_code == 403


async def test_an_expired_token_and_a_disabled_user_are_refused(bed: Bed) -> None:
    expired = await user_token(bed, privsep=0, expire=int(time.time()) - 1)
    assert (await bed.call("GET", "/version", headers=expired)).status_code == 401
    token = (await bed.post("/access/users/op@pve/token/t2", privsep=0))["value"]
    headers = {"Authorization": f"PVEAPIToken=op@pve!t2={token}"}
    assert (await bed.call("GET", "/version", headers=headers)).status_code == 200
    await bed.put("/access/users/op@pve", enable=0)
    assert (await bed.call("GET", "/version", headers=headers)).status_code == 401


async def test_the_order_of_checks(bed: Bed) -> None:
    nobody = await user_token(bed, privsep=0)
    unknown_route = await bed.call("GET", "/nodes/nope/what", headers=nobody)
    no_right_wrong_type = await bed.call("PUT", f"{VM}/config", {"cores": "x"}, headers=nobody)
    wrong_type_no_vm = await bed.call("PUT", "/nodes/pve1/qemu/4711/config", {"cores": "x"})
    no_node = await bed.call("GET", "/nodes/nope/qemu")
    answers = (unknown_route, no_right_wrong_type, wrong_type_no_vm, no_node)
    assert [answer.status_code for answer in answers] == [501, 403, 400, 500]
    assert no_node.reason_phrase.startswith("hostname lookup 'nope' failed")
