"""Users, groups, tokens, roles, passwords and tickets as the API manages them."""

import time
from typing import Any

import httpx
import pytest

from testbed.proxmox.access import tickets
from testbed.proxmox.errors import ApiError
from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve
PASSWORD = "long enough"


async def refused(bed: Bed, method: str, path: str, headers: dict[str, str] | None = None, /, **params: Any) -> str:
    """The status and text of a call that fails."""
    answer = await bed.call(method, path, params, headers)
    assert answer.status_code >= 400, answer.text
    return f"{answer.status_code} {answer.json()['message'].rstrip()}"


async def login(bed: Bed, user: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
    return await bed.call("POST", "/access/ticket", {"username": user, "password": password, **more}, headers={})


async def headers_of(bed: Bed, user: str) -> dict[str, str]:
    """The headers of a user who logs in."""
    data = (await login(bed, user)).json()["data"]
    return {"Cookie": f"PVEAuthCookie={data['ticket']}", "CSRFPreventionToken": data["CSRFPreventionToken"]}


@pytest.fixture
async def op(bare: Bed) -> dict[str, str]:
    """The headers of the user op@pve, who may do nothing."""
    await bare.post("/access/users", userid="op@pve", password=PASSWORD)
    return await headers_of(bare, "op@pve")


async def test_a_user_has_what_was_given(bare: Bed) -> None:
    await bare.post("/access/groups", groupid="ops", comment="Operators")
    await bare.post("/access/users", userid="a@pve", groups="ops", firstname="A", comment="c", expire=4000000000)
    user = {"enable": 1, "expire": 4000000000, "firstname": "A", "comment": "c", "email": ""}
    assert await bare.get("/access/users/a@pve") == user | {"groups": ["ops"], "tokens": None}
    listed = {"userid": "a@pve", "realm-type": "pve", "groups": "ops", "tokens": None}
    assert (await bare.get("/access/users", full=1))[0] == user | listed
    assert await bare.get("/access/groups") == [{"groupid": "ops", "comment": "Operators", "users": "a@pve"}]
    await bare.put("/access/users/a@pve", groups="", email="a@example.com")
    assert (await bare.get("/access/groups/ops"))["members"] == []
    assert (await bare.get("/access/users/a@pve"))["email"] == "a@example.com"


async def test_users_that_cannot_be(bare: Bed) -> None:
    create = ("POST", "/access/users")
    assert await refused(bare, *create, userid="x@nope", password=PASSWORD) == (
        "500 create user failed: auth domain 'nope' does not exist"
    )
    assert await refused(bare, *create, userid="x@pam", password=PASSWORD) == (
        "500 create user failed: change password failed: user 'x' does not exist"
    )
    assert await refused(bare, *create, userid="x@pve", groups="g") == "500 create user failed: no such group 'g'"
    assert await refused(bare, "GET", "/access/users/x@pve") == "500 no such user ('x@pve')"
    assert await refused(bare, *create, userid="x") == "500 user name 'x' is too short", "rights are looked at first"
    answer = await bare.call(*create, {"userid": "x"}, await bare.login())
    assert answer.json()["errors"] == {"userid": "invalid format - user name 'x' is too short\n"}
    assert await bare.get("/access/users", enabled=0) == []


async def test_who_may_manage_users(bare: Bed, op: dict[str, str]) -> None:
    create = ("POST", "/access/users", op)
    needs_realm = "403 Permission check failed (/access/realm/pve, Realm.AllocateUser)"
    assert await refused(bare, *create, userid="x@pve") == needs_realm
    await bare.put("/access/acl", path="/access/realm/pve", users="op@pve", roles="PVEUserAdmin")
    assert await refused(bare, *create, userid="x@pve") == "403 Permission check failed (/access/groups, User.Modify)"
    await bare.post("/access/groups", groupid="ops")
    one_group = "403 Permission check failed (/access/groups/ops, User.Modify)"
    assert await refused(bare, *create, userid="x@pve", groups="ops") == one_group
    await bare.put("/access/acl", path="/access/groups/ops", users="op@pve", roles="PVEUserAdmin")
    assert (await bare.call("POST", "/access/users", {"userid": "x@pve", "groups": "ops"}, op)).status_code == 200
    seen = (await bare.call("GET", "/access/users", headers=op)).json()["data"]
    assert [user["userid"] for user in seen] == ["op@pve", "x@pve"], "oneself, and members of the groups one sees"
    assert await refused(bare, "GET", "/access/users/root@pam", op) == "403 Permission check failed"
    assert (await bare.call("DELETE", "/access/users/x@pve", headers=op)).status_code == 200


async def test_a_user_goes_with_tokens_groups_and_rights(bare: Bed) -> None:
    await bare.post("/access/groups", groupid="ops")
    await bare.post("/access/users", userid="a@pve", groups="ops")
    await bare.post("/access/users/a@pve/token/tt")
    await bare.put("/access/acl", path="/vms", users="a@pve", tokens="a@pve!tt", groups="ops", roles="PVEVMUser")
    assert len(await bare.get("/access/acl")) == 3
    await bare.delete("/access/users/a@pve")
    assert [entry["type"] for entry in await bare.get("/access/acl")] == ["group"]
    assert bare.node.access.tokens.keys() == {"root@pam!hostler"}
    await bare.delete("/access/groups/ops")
    assert await bare.get("/access/acl") == []


async def test_tokens_tell_what_was_asked_and_keep_numbers(bare: Bed) -> None:
    path = "/access/users/root@pam/token/tt"
    made = await bare.post(path, expire=4000000000, comment="c")
    assert made["info"] == {"privsep": 1, "expire": "4000000000", "comment": "c"}
    assert await bare.get(path) == {"privsep": 1, "expire": 4000000000, "comment": "c"}
    assert await bare.put(path, privsep=0) == {"privsep": "0", "expire": 4000000000, "comment": "c"}
    assert (await bare.call("PUT", path, {"regenerate": 1})).status_code == 400, "8 knows no such thing"
    await bare.delete(path)
    assert await refused(bare, "GET", path) == "500 no such token 'tt' for user 'root@pam'"
    assert (await bare.call("POST", path + "/../1t", {})).status_code in (400, 501)


async def test_tokens_are_ones_own_or_a_managers(bare: Bed, op: dict[str, str]) -> None:
    own = (await bare.call("POST", "/access/users/op@pve/token/tt", {"privsep": 0}, op)).json()["data"]
    token = {"Authorization": f"PVEAPIToken=op@pve!tt={own['value']}"}
    assert await refused(bare, "POST", "/access/users/op@pve/token/t2", token) == "403 Permission check failed"
    assert await refused(bare, "GET", "/access/users/root@pam/token", op) == "403 Permission check failed"
    change = await refused(bare, "PUT", "/access/password", token, userid="op@pve", password=PASSWORD)
    assert change.startswith("403 Permission check failed (URI '/access/password' not available with API token")


async def test_roles_know_the_releases_privileges(bare: Bed) -> None:
    await bare.post("/access/roles", roleid="Mine", privs="VM.Audit VM.Monitor")
    assert await bare.get("/access/roles/Mine") == {"VM.Audit": 1, "VM.Monitor": 1}
    await bare.put("/access/roles/Mine", privs="VM.Clone", append=1)
    assert len(await bare.get("/access/roles/Mine")) == 3
    await bare.put("/access/acl", path="/vms", groups="", users="root@pam", roles="Mine")
    assert await bare.get("/access/acl") == [], "root's rights are not written down"
    assert await refused(bare, "PUT", "/access/roles/PVEAdmin", privs="") == (
        "500 auto-generated role 'PVEAdmin' cannot be modified"
    )
    assert await refused(bare, "DELETE", "/access/roles/Nope") == ("500 delete role failed: role 'Nope' does not exist")
    answer = await bare.call("POST", "/access/roles", {"roleid": "pveMine"})
    assert "'PVE' namespace" in answer.json()["errors"]["roleid"]


async def test_release_9_has_no_monitor(bare: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    from testbed.proxmox.release import RELEASES

    monkeypatch.setattr(bare.node.access, "release", RELEASES["9"])
    answer = await bare.call("POST", "/access/roles", {"roleid": "Mine", "privs": "VM.Monitor"})
    assert answer.json()["errors"] == {"privs": "invalid format - invalid privilege 'VM.Monitor'\n"}
    made = await bare.put("/access/users/root@pam/token/hostler", regenerate=1)
    assert made["full-tokenid"] == "root@pam!hostler"
    assert (await bare.call("GET", "/version")).status_code == 401, "the secret is another one"


async def test_rights_are_given_where_they_can_be(bare: Bed, op: dict[str, str]) -> None:
    acl = ("PUT", "/access/acl")
    for path in ("/vms/1", "/nope", "/sdn/zones/z/b/0"):
        answer = await bare.call(*acl, {"path": path, "users": "op@pve", "roles": "PVEVMUser"})
        assert answer.json()["errors"] == {"path": f"invalid ACL path '{path}'"}
    answer = await bare.call(*acl, {"path": "/", "roles": "PVEVMUser"})
    assert set(answer.json()["errors"]) == {"users", "groups", "tokens"}
    assert await refused(bare, *acl, path="/", users="no@pve", roles="PVEVMUser") == (
        "500 ACL update failed: user 'no@pve' does not exist"
    )
    assert await refused(bare, *acl, op, path="/vms/100", users="op@pve", roles="PVEVMUser") == (
        "403 Permission check failed (/vms/100, Permissions.Modify|VM.Allocate)"
    )
    await bare.put("/access/acl", path="/vms/100", users="op@pve", roles="PVEVMAdmin", propagate=0)
    assert await refused(bare, *acl, op, path="/vms/100", users="op@pve", roles="Administrator", propagate=0) == (
        "500 ACL update failed: 400 Parameter verification failed.\n"
        "role: Cannot add role 'Administrator' - requires 'Permissions.Modify' or superset of privileges."
    )
    further = await refused(bare, *acl, op, path="/vms/100", users="op@pve", roles="PVEVMUser")
    assert "Cannot add role 'PVEVMUser' with propagation" in further
    given = {"path": "//vms/100/", "users": "op@pve", "roles": "PVEVMUser", "propagate": 0}
    assert (await bare.call(*acl, given, op)).status_code == 200
    seen = (await bare.call("GET", "/access/acl", headers=op)).json()["data"]
    assert [entry["roleid"] for entry in seen] == ["PVEVMAdmin", "PVEVMUser"]


async def test_permissions_of_others_need_sys_audit(bare: Bed, op: dict[str, str]) -> None:
    await bare.put("/access/acl", path="/vms", users="op@pve", roles="PVETemplateUser")
    own = (await bare.call("GET", "/access/permissions", headers=op)).json()["data"]
    assert own == {"/vms": {"VM.Audit": 1, "VM.Clone": 1}}
    below = (await bare.call("GET", "/access/permissions", {"path": "/vms/7"}, op)).json()["data"]
    assert below == {"/vms/7": {"VM.Audit": 1, "VM.Clone": 1}}
    assert await bare.get("/access/permissions", userid="op@pve") == own
    assert await refused(bare, "GET", "/access/permissions", op, userid="root@pam") == (
        "403 Permission check failed (/access, Sys.Audit)"
    )


async def test_passwords_are_changed_by_their_owners_with_the_old_one(bare: Bed, op: dict[str, str]) -> None:
    change = ("PUT", "/access/password")
    new = {"userid": "op@pve", "password": "another one"}
    answer = await bare.call(*change, new, op)
    assert answer.json()["errors"] == {"confirmation-password": "password is required to modify user"}
    wrong = {**new, "confirmation-password": "wrong"}
    assert (await bare.call(*change, wrong, op)).reason_phrase == "invalid credentials"
    assert (await bare.call(*change, {**new, "confirmation-password": PASSWORD}, op)).status_code == 200
    assert [(await login(bare, "op@pve", one)).status_code for one in (PASSWORD, "another one")] == [401, 200]
    assert await refused(bare, *change, op, userid="root@pam", password=PASSWORD) == "403 Permission check failed"


async def test_a_ticket_stands_for_the_password_and_roots_for_everybodys(bare: Bed, op: dict[str, str]) -> None:
    own = op["Cookie"].partition("=")[2]
    root = (await bare.login())["Cookie"].partition("=")[2]
    assert (await login(bare, "op@pve", own)).status_code == 200
    assert (await login(bare, "op@pve", root)).status_code == 200
    assert (await login(bare, "root@pam", own)).reason_phrase == "authentication failure"
    assert (await login(bare, "op", PASSWORD, realm="pve")).status_code == 200
    assert (await login(bare, "op@pve", PASSWORD, realm="pve")).status_code == 401, "the realm is appended again"


async def test_a_login_can_ask_for_privileges_instead(bare: Bed, op: dict[str, str]) -> None:
    wanted = {"path": "/vms/100", "privs": "VM.Audit"}
    assert (await login(bare, "op@pve", **wanted)).status_code == 401
    await bare.put("/access/acl", path="/vms", users="op@pve", roles="PVEVMUser")
    answer = (await login(bare, "op@pve", **wanted)).json()["data"]
    assert (answer["username"], "ticket" in answer) == ("op@pve", False)


async def test_expired_and_disabled_users_are_out(bare: Bed, op: dict[str, str]) -> None:
    await bare.put("/access/users/op@pve", expire=int(time.time()) - 2)
    assert (await bare.call("GET", "/version", headers=op)).reason_phrase == "Authentication failed!"
    assert (await login(bare, "op@pve")).reason_phrase == "authentication failure"
    await bare.put("/access/users/op@pve", expire=0)
    assert (await bare.call("GET", "/version", headers=op)).status_code == 200


async def test_the_key_changes_daily_and_the_old_one_holds_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(tickets, "now", lambda: now)
    book = tickets.Tickets()
    old = book.login("a@pve")
    assert not book.rotate()
    now += tickets.KEY_SECONDS - 60
    late = book.login("a@pve")
    now += 120
    assert book.rotate()
    assert (book.user_of(old), book.user_of(late)) == (None, "a@pve")
    assert tickets.Tickets(book.kept()).user_of(late) == "a@pve"
    now += tickets.TICKET_SECONDS
    assert book.user_of(late) is None


async def test_a_consoles_ticket_is_bound_and_short_lived(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(tickets, "now", lambda: now)
    book = tickets.Tickets()
    ticket = book.vnc("a@pve!t", "/vms/100", 5900)
    book.verify_vnc(ticket, "a@pve!t", "/vms/100", 5900)
    book.verify_vnc(f"p%ssword:{ticket}", "a@pve!t", "/vms/100", 5900)
    for other in (("a@pve", "/vms/100", 5900), ("a@pve!t", "/vms/101", 5900), ("a@pve!t", "/vms/100", 5901)):
        with pytest.raises(ApiError, match="permission denied - invalid PVEVNC ticket"):
            book.verify_vnc(ticket, *other)
    now += tickets.VNC_SECONDS
    with pytest.raises(ApiError):
        book.verify_vnc(ticket, "a@pve!t", "/vms/100", 5900)


async def test_consoles_tickets_are_verified_without_a_login(bare: Bed, op: dict[str, str]) -> None:
    ticket = bare.node.access.tickets.vnc("op@pve", "/vms/100", 5900)
    form = {"authid": "op@pve", "vncticket": ticket, "path": "/vms/100", "privs": "VM.Console", "port": 5900}
    assert (await bare.call("POST", "/access/vncticket", form, headers={})).status_code == 401
    await bare.put("/access/acl", path="/vms", users="op@pve", roles="PVEVMUser")
    assert (await bare.call("POST", "/access/vncticket", form, headers={})).status_code == 200
    assert (await bare.call("POST", "/access/vncticket", form | {"port": 5901}, headers={})).status_code == 401


async def test_realms_and_second_factors(bare: Bed) -> None:
    realms = (await bare.call("GET", "/access/domains", headers={})).json()["data"]
    assert {realm["realm"] for realm in realms} == {"pam", "pve"}
    assert (await bare.get("/access/domains/pve"))["type"] == "pve"
    assert await refused(bare, "GET", "/access/domains/nope") == "500 domain 'nope' does not exist"
    assert await bare.get("/access/tfa") == []
    assert await bare.get("/access/users/root@pam/tfa", multiple=1) == {"user": []}
    assert (await bare.call("GET", "/access/tfa/root@pam/x")).status_code == 404
