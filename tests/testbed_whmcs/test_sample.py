"""The sample agrees with itself: rows, truth, passwords and VMs."""

import hashlib
import hmac
import html
import re
from ipaddress import ip_interface

import bcrypt
import pytest

from testbed.whmcs import sample
from testbed.whmcs.cases import CASES
from testbed.whmcs.truth import UserTruth
from testbed.whmcs.world import Row, World, number

CASE_IDS = {match[0].upper() for case in CASES if (match := re.match(r"e\d\d", case.__name__))}


@pytest.fixture(scope="module")
def world() -> World:
    """The sample as it is by default."""
    return sample.make(sample.SEED, sample.SCALE)


def by_id(world: World, table: str) -> dict[int, Row]:
    return {number(row): row for row in world.tables[table]}


def test_the_same_seed_gives_the_same_sample(world: World) -> None:
    again = sample.make(sample.SEED, sample.SCALE)
    assert again.tables == world.tables
    assert again.truth.as_json("") == world.truth.as_json("")
    assert again.vms.as_json() == world.vms.as_json()


def test_another_seed_gives_another_sample(world: World) -> None:
    other = sample.make(sample.SEED + 1, sample.SCALE)
    assert other.tables["tblusers"] != world.tables["tblusers"]


def test_ids_are_unique(world: World) -> None:
    for table, rows in world.tables.items():
        ids = [row["id"] for row in rows if "id" in row]
        assert len(ids) == len(set(ids)), table


def test_the_truth_covers_every_row(world: World) -> None:
    assert set(world.truth.services) == set(by_id(world, "tblhosting"))
    assert set(world.truth.clients) == set(by_id(world, "tblclients"))
    assert set(world.truth.users) == set(by_id(world, "tblusers"))


def test_every_case_left_its_mark(world: World) -> None:
    truth = world.truth
    seen = {entry.case for part in (truth.services, truth.clients, truth.users) for entry in part.values()}
    assert seen == CASE_IDS | {"clean"}


def test_whatever_is_not_imported_says_why(world: World) -> None:
    for service in world.truth.services.values():
        assert bool(service.reason) == (service.expect != "import"), service
        if service.expect == "import":
            assert None not in (service.memory_mib, service.vcpus, service.disk_gib, service.os, service.location)


@pytest.mark.parametrize("status", ["Pending", "Active", "Suspended", "Terminated", "Cancelled", "Fraud", "Completed"])
def test_services_in_every_status(world: World, status: str) -> None:
    assert any(row["domainstatus"] == status for row in world.tables["tblhosting"])


def test_clients_in_every_status(world: World) -> None:
    assert {row.get("status", "Active") for row in world.tables["tblclients"]} == {"Active", "Inactive", "Closed"}


@pytest.mark.parametrize(("email", "scheme"), [("alice@example.com", "bcrypt"), ("bob@example.com", "md5_salt")])
def test_the_two_to_show_around_own_running_servers(world: World, email: str, scheme: str) -> None:
    [user] = [user for user in world.truth.users.values() if user.email == email]
    vms = [service.vm for service in world.truth.services.values() if service.client_id in user.owns]
    assert user.scheme == scheme
    assert user.expect == "import"
    assert sum(vm is not None and vm.adoptable and vm.status == "running" for vm in vms) >= 2


def test_every_password_opens_what_is_stored(world: World) -> None:
    rows = by_id(world, "tblusers")
    for user in world.truth.users.values():
        if user.password is not None:
            assert opens(user, str(rows[user.user_id]["password"])), user


def test_all_password_schemes_occur(world: World) -> None:
    schemes = {user.scheme for user in world.truth.users.values()}
    assert schemes == {"bcrypt", "md5_salt", "md5", "sha256_key", "none"}


def test_the_vm_of_an_adoptable_service_bears_it_out(world: World) -> None:
    for service in world.truth.services.values():
        if service.vm is None or not service.vm.adoptable:
            continue
        vm = world.vms.existing[service.vm.vmid]
        assert vm.status == service.vm.status
        assert str(vm.address.ip) == service.address
        assert (vm.memory, vm.cores, vm.disk_gib) == (service.memory_mib, service.vcpus, service.disk_gib)
        assert str(service.service_id) in vm.name


def test_no_vm_is_promised_to_two(world: World) -> None:
    promised = [s.vm.vmid for s in world.truth.services.values() if s.vm is not None and s.vm.adoptable]
    assert len(promised) == len(set(promised))


def test_vms_that_are_said_to_exist_do_and_the_others_do_not(world: World) -> None:
    templates = {9000}
    for service in world.truth.services.values():
        if service.vm is not None:
            assert service.vm.exists == (service.vm.vmid in world.vms.existing.keys() | templates), service


def test_the_inventory_is_in_the_agreed_ranges(world: World) -> None:
    vms = [vm.as_json() for vm in world.vms.existing.values()]
    assert all(101 <= vm.vmid <= 199 for vm in world.vms.existing.values())
    assert len({vm["ip"] for vm in vms}) == len({vm["mac"] for vm in vms}) == len(vms)
    assert {str(ip_interface(str(vm["ip"])).network) for vm in vms} == {"203.0.113.0/24"}
    assert {vm["type"] for vm in vms} == {"qemu", "lxc"}


def test_it_grows_with_the_scale() -> None:
    large = sample.make(sample.SEED, 1000)
    vmids = set(large.vms.existing)
    assert sum(client.case == "clean" for client in large.truth.clients.values()) == 1000
    assert len(vmids) > 500
    assert not vmids & {9000, 9001}
    assert max(vmids) < 10_000_000
    assert len({str(vm.address.ip) for vm in large.vms.existing.values()}) == len(vmids)


def opens(user: UserTruth, stored: str) -> bool:
    """Whether the user's password fits the stored hash, by the rules WHMCS followed at the time."""
    password = user.password or ""
    left, _, right = stored.partition(":")
    match user.scheme:
        case "bcrypt":
            return bcrypt.checkpw(password.encode()[:72], stored.encode())
        case "md5":
            return left == md5(password)
        case "md5_salt":
            as_html = html.escape(password).replace("&#x27;", "&#039;")
            return left in (md5(right + password), md5(right + as_html))
        case "sha256_key":
            return left == hmac.new(right.encode(), password.encode(), hashlib.sha256).hexdigest()
    return False


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
