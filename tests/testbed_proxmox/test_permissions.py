"""How rights follow from users, groups, tokens, roles, pools and the paths where they are given."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.proxmox.access.access import ROOT, Access, Identity
from testbed.proxmox.errors import ApiError
from testbed.proxmox.release import RELEASES
from testbed.proxmox.store import Store

pytestmark = pytest.mark.pve
JOE, TOKEN = Identity("joe@pve"), Identity("joe@pve!t")


@pytest.fixture
def access(tmp_path: Path) -> Iterator[Access]:
    """Joe, who is in the groups `ops` and `guests` and has a separated token `t`."""
    store = Store(tmp_path)
    found = Access(store)
    found.users["joe@pve"] = {"enable": 1, "expire": 0}
    found.groups = {name: {"users": ["joe@pve"]} for name in ("ops", "guests")}
    found.new_token("joe@pve", "t")
    yield found
    store.close()


def grant(access: Access, path: str, holder: str, *roles: str, propagate: int = 1) -> None:
    for role in roles:
        access.acl.grant(path, holder, role, propagate)
    access.save()


def roles_at(access: Access, who: Identity, path: str) -> set[str]:
    """The built-in roles whose privileges are all there, leaving out those that are part of a larger one."""
    held = set(access.privileges(who, path))
    return {name for name, privileges in access.release.roles.items() if privileges and set(privileges) == held}


def test_deeper_entries_replace_those_above(access: Access) -> None:
    grant(access, "/", "joe@pve", "PVEAuditor")
    grant(access, "/vms", "joe@pve", "PVEVMAdmin")
    grant(access, "/vms/100", "joe@pve", "PVEVMUser")
    found = [roles_at(access, JOE, path) for path in ("/nodes", "/vms", "/vms/200", "/vms/100")]
    assert found == [{"PVEAuditor"}, {"PVEVMAdmin"}, {"PVEVMAdmin"}, {"PVEVMUser"}]


def test_what_does_not_propagate_counts_at_its_path_only(access: Access) -> None:
    grant(access, "/vms", "joe@pve", "PVEVMUser")
    grant(access, "/vms/100", "joe@pve", "PVETemplateUser", propagate=0)
    grant(access, "/storage", "joe@pve", "PVEDatastoreUser", propagate=0)
    assert roles_at(access, JOE, "/vms/100") == {"PVETemplateUser"}
    assert access.privileges(JOE, "/vms/100") == {"VM.Audit": 0, "VM.Clone": 0}
    assert access.privileges(JOE, "/storage/local") == {}


def test_an_entry_of_the_user_outdoes_those_of_groups(access: Access) -> None:
    grant(access, "/vms", "@ops", "PVEVMUser")
    grant(access, "/vms", "@guests", "PVETemplateUser")
    assert access.may(JOE, "/vms/1000", "VM.PowerMgmt", "VM.Clone")
    grant(access, "/vms", "joe@pve", "PVEAuditor")
    assert roles_at(access, JOE, "/vms/1000") == {"PVEAuditor"}
    grant(access, "/vms/1000", "@ops", "PVEVMUser")
    assert roles_at(access, JOE, "/vms/1000") == {"PVEVMUser"}, "deeper, so it counts although it is a group's"


def test_no_access_takes_everything_at_its_level(access: Access) -> None:
    grant(access, "/vms", "joe@pve", "PVEVMAdmin")
    grant(access, "/vms/100", "joe@pve", "NoAccess", "PVEVMUser")
    assert access.privileges(JOE, "/vms/100") == {}
    assert access.may(JOE, "/vms/101", "VM.Audit")


def test_a_separated_token_has_what_both_have(access: Access) -> None:
    grant(access, "/vms", TOKEN.id, "PVEVMAdmin")
    assert access.privileges(TOKEN, "/vms/100") == {}
    grant(access, "/vms", "joe@pve", "PVEVMUser", propagate=0)
    assert roles_at(access, TOKEN, "/vms") == {"PVEVMUser"}
    assert set(access.privileges(TOKEN, "/vms").values()) == {0}
    access.tokens[TOKEN.id]["privsep"] = 0
    access.acl.forget_holder(TOKEN.id)
    access.save()
    assert roles_at(access, TOKEN, "/vms") == {"PVEVMUser"}


def test_a_separated_token_of_root_has_its_own_rights_only(access: Access) -> None:
    access.new_token(ROOT, "t")
    root = Identity(f"{ROOT}!t")
    assert access.privileges(root, "/") == {}
    grant(access, "/", root.id, "PVEAuditor")
    assert roles_at(access, root, "/vms/100") == {"PVEAuditor"}


def test_a_pool_gives_its_roles_to_its_members_alone(access: Access) -> None:
    access.pools.create("p")
    access.pools.add_vm(100, "p")
    access.pools.get("p").storages.add("local")  # type: ignore[union-attr]
    grant(access, "/pool/p", "@ops", "PVEVMUser", "PVEDatastoreUser")
    assert access.may(JOE, "/vms/100", "VM.PowerMgmt", "Datastore.AllocateSpace")
    assert access.may(JOE, "/storage/local", "Datastore.AllocateSpace")
    assert not access.may(JOE, "/vms/101", "VM.PowerMgmt")
    assert set(access.privileges(JOE, "/vms/100").values()) == {0}, "what comes from a pool reaches no further"
    access.forget_vm(100)
    assert access.privileges(JOE, "/vms/100") == {}


def test_no_access_of_a_pool_and_of_a_path_beat_each_others_roles(access: Access) -> None:
    access.pools.create("p")
    access.pools.add_vm(100, "p")
    grant(access, "/pool/p", "joe@pve", "NoAccess")
    grant(access, "/vms/100", "joe@pve", "PVEVMUser")
    assert access.privileges(JOE, "/vms/100") == {}
    access.acl.revoke("/pool/p", "joe@pve", "NoAccess")
    grant(access, "/vms/100", "joe@pve", "NoAccess")
    grant(access, "/pool/p", "joe@pve", "PVEVMAdmin")
    assert access.privileges(JOE, "/vms/100") == {}


def test_pools_within_pools(access: Access) -> None:
    access.pools.create("p")
    access.pools.create("p/inner")
    access.pools.add_vm(100, "p/inner")
    grant(access, "/pool/p", "joe@pve", "PVEVMUser")
    assert access.may(JOE, "/vms/100", "VM.PowerMgmt")
    grant(access, "/pool/p/inner", "joe@pve", "PVETemplateUser")
    assert roles_at(access, JOE, "/vms/100") == {"PVETemplateUser"}


def test_everywhere_names_the_paths_above_an_entry_and_members_of_pools(access: Access) -> None:
    grant(access, "/sdn/zones/localnetwork", "joe@pve", "PVESDNUser")
    access.pools.create("p")
    access.pools.add_vm(100, "p")
    access.save()
    assert list(access.privileges_everywhere(JOE)) == ["/sdn/zones/localnetwork"]
    top = {"/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"}
    all_of_root = top | {"/sdn/zones", "/sdn/zones/localnetwork", "/vms/100"}
    assert set(access.privileges_everywhere(Identity(ROOT))) == all_of_root


def test_capabilities_name_what_is_held_anywhere(access: Access) -> None:
    grant(access, "/vms/100", "joe@pve", "PVETemplateUser")
    grant(access, "/pool/p", "joe@pve", "PVEDatastoreUser")
    found = access.capabilities("joe@pve")
    assert found["vms"] == {"VM.Audit": 1, "VM.Clone": 1}
    assert found["storage"] == {"Datastore.Audit": 1, "Datastore.AllocateSpace": 1}
    assert found["nodes"] == found["dc"] == found["access"] == found["mapping"] == {}


def test_a_bridge_may_be_used_by_one_of_its_vlans(access: Access) -> None:
    with pytest.raises(ApiError, match=r"\(/sdn/zones/localnetwork/vmbr0, SDN.Audit\|SDN.Use\)"):
        access.check_bridge(JOE, "vmbr0", "SDN.Audit", "SDN.Use")
    grant(access, "/sdn/zones/localnetwork/vmbr0/12", "joe@pve", "PVESDNUser")
    access.check_bridge(JOE, "vmbr0", "SDN.Audit", "SDN.Use")


def test_the_releases_differ_in_agents_and_paths(access: Access) -> None:
    eight, nine = RELEASES["8"], RELEASES["9"]
    assert eight.privileges - nine.privileges == {"VM.Monitor"}
    assert "VM.GuestAgent.Audit" in nine.roles["PVEAuditor"]
    assert nine.roles["PVEVMUser"] - eight.roles["PVEVMUser"] == {
        *("VM.GuestAgent.Audit", "VM.GuestAgent.FileRead", "VM.GuestAgent.FileSystemMgmt", "VM.GuestAgent.FileWrite"),
    }
    assert not access.known_path("/sdn/fabrics/f")
    access.release = nine
    assert access.known_path("/sdn/fabrics/f")
    assert access.known_path("/sdn/zones/z/vmbr0/4094")
    assert not access.known_path("/vms/99")


def test_everything_is_there_after_a_restart(access: Access, tmp_path: Path) -> None:
    access.pools.create("p", "comment")
    access.pools.add_vm(100, "p")
    grant(access, "/pool/p", "@ops", "PVEVMUser", propagate=0)
    grant(access, "/vms", TOKEN.id, "PVEVMUser")
    ticket = access.ticket("joe@pve")
    again = Access(Store(tmp_path))
    assert list(again.acl) == list(access.acl)
    assert again.pools.of_vm(100) == "p"
    assert again.verify_ticket(ticket) == JOE
