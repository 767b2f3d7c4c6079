"""The sample agrees with itself: rows, truth, passwords and VMs."""

import hashlib
import hmac
import html
from ipaddress import ip_interface

import bcrypt
import pytest

from testbed.whmcs import cases, sample
from testbed.whmcs.cases import Case
from testbed.whmcs.truth import UserTruth
from testbed.whmcs.world import Row, World, number

EVERY_EDGE = {f"E{number:02}" for number in range(1, 71)}
# Nothing in the rows brings these about.
BY_OTHER_MEANS = {"E64", "E66", "E69"}


@pytest.fixture(scope="module", params=sorted(sample.CASES))
def world(request: pytest.FixtureRequest) -> World:
    """The sample with each choice of cases."""
    return sample.make(sample.SEED, sample.SCALE, request.param)


@pytest.fixture(scope="module")
def everything() -> World:
    """The sample as it is by default, with a good many cases more than once."""
    return sample.make(sample.SEED, sample.SCALE, "all", 0.5)


def case_ids(cases: tuple[Case, ...]) -> set[str]:
    return {case.__name__.partition("_")[0].upper() for case in cases}


def by_id(world: World, table: str) -> dict[int, Row]:
    return {number(row): row for row in world.tables[table]}


def test_the_same_seed_gives_the_same_sample(everything: World) -> None:
    again = sample.make(sample.SEED, sample.SCALE, "all", 0.5)
    assert again.tables == everything.tables
    assert again.truth.as_json() == everything.truth.as_json()
    assert again.vms.as_json() == everything.vms.as_json()


def test_another_seed_gives_another_sample(everything: World) -> None:
    other = sample.make(sample.SEED + 1, sample.SCALE, "all", 0.5)
    assert other.tables["tblusers"] != everything.tables["tblusers"]


def test_the_rows_of_the_demo_are_among_all() -> None:
    demo, both = (sample.make(sample.SEED, 0, choice).truth.services for choice in ("demo", "all"))
    assert demo.items() <= both.items()
    assert len(demo) < len(both)


def test_every_edge_is_found_by_its_name(everything: World) -> None:
    entries = {entry["id"]: entry for entry in cases.table(sample.CASES["all"], everything.truth)}
    assert set(entries) >= EVERY_EDGE
    for case_id, entry in entries.items():
        found = entry["services"] or entry["clients"] or entry["users"]
        assert bool(found) == (case_id not in BY_OTHER_MEANS), case_id
        assert bool(entry["brought_about_by"]) == (case_id in BY_OTHER_MEANS), case_id


def test_cases_are_repeated_as_often_as_wanted(everything: World) -> None:
    once = sample.make(sample.SEED, sample.SCALE, "all").truth.clients
    assert sum(client.case != "clean" for client in everything.truth.clients.values()) >= 20 + sum(
        client.case != "clean" for client in once.values()
    )


def test_the_rows_with_an_outcome_of_their_own_are_there(everything: World) -> None:
    assert {row.expect for row in everything.truth.rows} == {"merge", "warn", "skip", "quarantine"}
    for row in everything.truth.rows:
        assert row.id in by_id(everything, row.table), row


def test_the_second_cluster_has_the_vms_that_are_said_to_be_there(world: World) -> None:
    promised = {s.vm.vmid for s in world.truth.services.values() if s.vm is not None and s.vm.cluster == "ams"}
    assert promised == set(world.other_vms.existing)


def test_ids_are_unique(world: World) -> None:
    for table, rows in world.tables.items():
        ids = [row["id"] for row in rows if "id" in row]
        assert len(ids) == len(set(ids)), table


def test_the_truth_covers_every_row(world: World) -> None:
    assert set(world.truth.services) == set(by_id(world, "tblhosting"))
    assert set(world.truth.clients) == set(by_id(world, "tblclients"))
    assert set(world.truth.users) == {("tblusers", number) for number in by_id(world, "tblusers")}


@pytest.mark.parametrize("choice", sorted(sample.CASES))
def test_every_case_left_its_mark(choice: str) -> None:
    truth = sample.make(sample.SEED, sample.SCALE, choice).truth
    seen = {entry.case for part in (truth.services, truth.clients, truth.users) for entry in part.values()}
    assert seen == case_ids(sample.CASES[choice]) | {"clean"}


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
        assert service.vm.vmid is not None
        vms = world.vms if service.vm.cluster == "demo" else world.other_vms
        vm = vms.existing[service.vm.vmid]
        assert vm.status == service.vm.status
        assert str(vm.address.ip) == service.address
        assert (vm.memory, vm.cores, vm.disk_gib) == (service.memory_mib, service.vcpus, service.disk_gib)
        assert str(service.service_id) in vm.name


def test_no_vm_is_promised_to_two(world: World) -> None:
    promised = [(s.vm.cluster, s.vm.vmid) for s in world.truth.services.values() if s.vm is not None and s.vm.adoptable]
    assert len(promised) == len(set(promised))


def test_vms_that_are_said_to_exist_do_and_the_others_do_not(world: World) -> None:
    templates = {9000}
    for service in world.truth.services.values():
        if service.vm is not None:
            assert service.vm.exists == (service.vm.vmid in world.vms.existing.keys() | templates), service


def test_the_inventory_of_the_demo_is_in_the_agreed_ranges() -> None:
    world = sample.make(sample.SEED, sample.SCALE)
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
