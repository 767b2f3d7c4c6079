"""What setting up a cluster would do, from what is found there."""

from __future__ import annotations

import email
import io
import os
from collections.abc import Mapping
from dataclasses import replace
from email.message import Message
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from hypervisor import wire
from hypervisor.setup import access, template
from hypervisor.setup.access import Access
from hypervisor.setup.found import Found, Unsuitable
from hypervisor.setup.privileges import Release, needed, release_of, work_role
from hypervisor.setup.template import TAG, Site, Template
from hypervisor.setup.upload import Multipart

WANTED = Access(storages=["local-zfs"])
TEMPLATE = Template(key="debian-12", vmid=9000, image="local:import/debian.qcow2", storage="local-zfs")
STORAGES: Mapping[str, Mapping[str, Any]] = {
    "local": {"storage": "local", "content": "iso,vztmpl,backup,import"},
    "local-zfs": {"storage": "local-zfs", "content": "images,rootdir"},
}


def fresh(release: Release = 8) -> Found:
    """A new node."""
    return Found(f"{release}.4.1", release, "pve1", storages=STORAGES, bridges=frozenset({"vmbr0"}))


def ready(release: Release = 8) -> Found:
    """A node after `changes` on a fresh one were made."""
    entries = [
        {"path": path, "roleid": role, "ugid": who, "propagate": 1}
        for path, role in (
            ("/", "HostlerWatch"),
            *((path, "Hostler") for path in ("/vms", "/storage/local-zfs", "/sdn/zones/localnetwork", "/pool/hostler")),
        )
        for who in ("hostler@pve", "hostler@pve!hostler")
    ]
    return replace(
        fresh(release),
        roles={"Hostler": work_role(release), "HostlerWatch": frozenset({"Sys.Audit"})},
        users={"hostler@pve": {"enable": 1}},
        tokens={"hostler": {"privsep": 1}},
        acl=entries,
        pools=frozenset({"hostler"}),
    )


def calls(found: Found, wanted: Access = WANTED) -> list[tuple[str, str]]:
    return [(change.method, "/".join(change.path)) for change in access.changes(found, wanted)]


def test_a_fresh_node_gets_roles_user_token_pool_and_grants_in_this_order() -> None:
    assert calls(fresh()) == [
        ("post", "access/roles"),
        ("post", "access/roles"),
        ("post", "access/users"),
        ("post", "access/users/hostler@pve/token/hostler"),
        ("post", "pools"),
        *[("put", "access/acl")] * 5,
    ]
    grants = [change.params for change in access.changes(fresh(), WANTED) if change.path == ("access", "acl")]
    assert [(grant["path"], grant["roles"]) for grant in grants] == [
        ("/", "HostlerWatch"),
        ("/vms", "Hostler"),
        ("/storage/local-zfs", "Hostler"),
        ("/sdn/zones/localnetwork", "Hostler"),
        ("/pool/hostler", "Hostler"),
    ]
    assert {(grant["users"], grant["tokens"], grant["propagate"]) for grant in grants} == {
        ("hostler@pve", "hostler@pve!hostler", 1)
    }


@pytest.mark.parametrize("release", [8, 9])
def test_a_ready_node_needs_nothing(release: Release) -> None:
    assert access.changes(ready(release), WANTED) == []
    assert access.notes(ready(release), WANTED) == []


def test_the_privilege_for_the_agent_is_that_of_the_release() -> None:
    assert work_role(8) ^ work_role(9) == {"VM.Monitor", "VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"}
    assert [release_of(version) for version in ("8.4.21", "9.0.3", "7.4-1", "10.0")] == [8, 9, None, None]


def test_the_grants_give_what_is_needed() -> None:
    wanted = needed(8, ["local-zfs"], "vmbr0", pool="hostler")
    assert set().union(*wanted.values()) == work_role(8) | {"Sys.Audit"}


def test_after_an_upgrade_only_the_new_privileges_are_added() -> None:
    old = replace(ready(9), roles=ready(8).roles)
    (change,) = access.changes(old, WANTED)
    assert (change.method, change.path) == ("put", ("access", "roles", "Hostler"))
    assert change.params == {"privs": "VM.GuestAgent.Audit,VM.GuestAgent.Unrestricted", "append": 1}


def test_what_others_added_to_a_role_stays_and_is_said() -> None:
    more = replace(ready(), roles=dict(ready().roles) | {"Hostler": work_role(8) | {"Sys.Modify"}})
    assert access.changes(more, WANTED) == []
    assert access.notes(more, WANTED) == ["role Hostler holds more than Hostler needs: Sys.Modify"]


def test_a_grant_that_only_the_token_lacks_is_given_to_it_alone() -> None:
    less = replace(ready(), acl=[row for row in ready().acl if (row["path"], "!" in row["ugid"]) != ("/vms", True)])
    (change,) = access.changes(less, WANTED)
    assert change.params == {"path": "/vms", "roles": "Hostler", "propagate": 1, "tokens": "hostler@pve!hostler"}


def test_a_grant_that_does_not_reach_down_is_given_again() -> None:
    flat = replace(ready(), acl=[dict(row) | {"propagate": row["path"] != "/vms"} for row in ready().acl])
    assert [change.params["path"] for change in access.changes(flat, WANTED)] == ["/vms"]


def test_a_virtual_network_is_granted_in_its_own_zone() -> None:
    virtual = replace(fresh(), zones={"shop": "vxlan1"})
    access.check(virtual, replace(WANTED, bridge="shop"))
    paths = [change.params.get("path") for change in access.changes(virtual, replace(WANTED, bridge="shop"))]
    assert "/sdn/zones/vxlan1" in paths
    assert "/sdn/zones/localnetwork" not in paths


def test_a_new_secret_is_a_new_token_with_its_grants() -> None:
    changes = access.changes(ready(), replace(WANTED, new_secret=True))
    assert [change.method for change in changes] == ["delete", "post", *["put"] * 5]
    assert [change.secret for change in changes] == [False, True, *[False] * 5]
    assert all("users" not in change.params for change in changes)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (replace(WANTED, storages=["ceph"]), "no storage 'ceph'; it has: local, local-zfs"),
        (replace(WANTED, storages=["local"]), "'local' takes no disk images"),
        (replace(WANTED, bridge="vmbr7"), "no bridge 'vmbr7'; it has: vmbr0"),
    ],
)
def test_what_is_not_there_is_named(wanted: Access, words: str) -> None:
    with pytest.raises(Unsuitable, match=words):
        access.check(fresh(), wanted)


def guest(**config: Any) -> Site:
    whole = {"name": "debian-12", "tags": TAG, "scsi0": "local-zfs:vm-9000-disk-0,size=3G"} | config
    return Site("pve1", wire.config_of("pve1", 9000, whole))


def test_a_volume_becomes_a_template_in_two_steps() -> None:
    create, convert = template.changes(fresh(), TEMPLATE, Site())
    assert create.params["scsi0"] == "local-zfs:0,import-from=local:import/debian.qcow2,discard=on,iothread=1,ssd=1"
    assert (create.params["ide2"], create.params["agent"]) == ("local-zfs:cloudinit", "enabled=1")
    assert (create.params["scsihw"], create.params["serial0"]) == ("virtio-scsi-single", "socket")
    assert convert.path == ("nodes", "pve1", "qemu", "9000", "template")


def test_a_template_that_is_there_needs_nothing() -> None:
    assert template.changes(fresh(), TEMPLATE, guest(template=1)) == []


def test_a_machine_that_was_made_is_only_converted() -> None:
    (change,) = template.changes(fresh(), TEMPLATE, guest())
    assert change.path[-1] == "template"


@pytest.mark.parametrize(
    ("site", "words"),
    [
        (guest(name="shop"), "VMID 9000 belongs to 'shop'"),
        (guest(name="ubuntu", template=1), "VMID 9000 belongs to 'ubuntu'"),
        (guest(tags=""), "VMID 9000 belongs to 'debian-12'"),
        (guest(lock="create"), "was begun and not finished"),
    ],
)
def test_a_machine_of_others_is_left_alone(site: Site, words: str) -> None:
    with pytest.raises(Unsuitable, match=words):
        template.changes(fresh(), TEMPLATE, site)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A qcow2 image as Ubuntu names it."""
    file = tmp_path / "noble-server.img"
    file.write_bytes(template.MAGIC + bytes(100))
    return file


def test_a_file_is_uploaded_first_under_a_name_that_proxmox_understands(image: Path) -> None:
    upload, create, _ = template.changes(fresh(), replace(TEMPLATE, image=str(image)), Site())
    assert upload.path == ("nodes", "pve1", "storage", "local", "upload")
    assert upload.params == {"content": "import", "filename": "noble-server.qcow2"}
    assert "import-from=local:import/noble-server.qcow2," in str(create.params["scsi0"])


def test_a_file_that_is_there_is_not_uploaded_again(image: Path) -> None:
    site = Site(images={"local:import/noble-server.qcow2": image.stat().st_size})
    assert len(template.changes(fresh(), replace(TEMPLATE, image=str(image)), site)) == 2
    other = Site(images={"local:import/noble-server.qcow2": 7})
    with pytest.raises(Unsuitable, match="is another image"):
        template.changes(fresh(), replace(TEMPLATE, image=str(image)), other)


def test_without_a_storage_for_images_the_way_out_is_said(image: Path) -> None:
    bare = replace(fresh(), storages={"local-zfs": STORAGES["local-zfs"]})
    with pytest.raises(Unsuitable, match="--image-on-node"):
        template.changes(bare, replace(TEMPLATE, image=str(image)), Site())
    on_node = replace(TEMPLATE, image="/srv/noble.img", on_node=True)
    assert "import-from=/srv/noble.img," in str(template.changes(bare, on_node, Site())[0].params["scsi0"])


def test_an_upload_is_a_form_as_long_as_it_says() -> None:
    with io.FileIO(os.memfd_create("image"), "r+") as file:
        file.write(b"\x00\r\n--" * 50_000)
        file.seek(0)
        form = Multipart({"content": "import", "filename": "x.qcow2"}, "filename", "x.qcow2", cast(BinaryIO, file))
        length, whole = len(form), b"".join(form)
    assert length == len(whole)
    parsed = email.message_from_bytes(f"Content-Type: {form.content_type}\r\n\r\n".encode() + whole)
    parts = cast("list[Message]", parsed.get_payload())
    assert [part.get_param("name", header="content-disposition") for part in parts] == ["content", "filename"]
    assert parts[0].get_payload() == "import"
    assert parts[1].get_filename() == "x.qcow2"
    assert parts[1].get_payload(decode=True) == b"\x00\r\n--" * 50_000
