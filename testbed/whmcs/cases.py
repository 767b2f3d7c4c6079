"""The awkward rows of real installations, one function each, named by the id under which truth.json lists them.

To add a case: write a function `eNN_name(stage)` that sells in good order, spoils the rows it is about and corrects
the truth, and put it into CASES.
"""

from collections.abc import Callable
from datetime import date

from testbed.whmcs.catalogue import (
    BACKUP_ADDON,
    EXTRA_IP_ADDON,
    LICENCE_ADDON,
    LOCATION_FIELD,
    OS_FIELD,
    PASSWORD_FIELD,
    YES_NO,
    Size,
    add_choice,
    add_option,
)
from testbed.whmcs.passwords import (
    Password,
    bcrypted,
    md5_escaped,
    md5_plain,
    md5_salted,
    random_password,
    salt_of,
    sha256_keyed,
    unusable,
)
from testbed.whmcs.people import add_client, add_owner, add_user, join
from testbed.whmcs.services import Service, choose, fill
from testbed.whmcs.stage import Stage
from testbed.whmcs.vms import TEMPLATE_VMID, mac_of
from testbed.whmcs.world import Row, number

ZERO_DATE, ZERO_TIME = "0000-00-00", "0000-00-00 00:00:00"
NOBODY = 999_999


def e01_clean_vps(stage: Stage) -> None:
    """Alice: bcrypt, two running VPS as they should be, and one whose VM is gone."""
    password = bcrypted(random_password(stage.chance), stage.chance)
    names = {"firstname": "Alice", "lastname": "Adler"}
    alice = add_owner(stage.world, "E01", "alice@example.com", password, **names)
    stage.sell(alice, name="web1.alice.example.com", size=Size(4096, 2, 40), vm="running")
    stage.sell(alice, stage.shop.small, name="db1.alice.example.com", image="ubuntu-24.04", vm="running")
    stage.sell(alice, stage.shop.small, name="old1.alice.example.com", vm="gone")


def e02_clean_md5(stage: Stage) -> None:
    """Bob: a salted md5 from before 6.3 that still opens his account; one VPS of either Proxmox module."""
    password = md5_salted(random_password(stage.chance), salt_of(stage.chance))
    names = {"firstname": "Bob", "lastname": "Brandt"}
    bob = add_owner(stage.world, "E02", "bob@example.com", password, **names)
    stage.sell(bob, stage.shop.large, name="app1.bob.example.com", image="ubuntu-24.04", vm="running")
    stage.sell(bob, stage.shop.flex, name="mail1.bob.example.com", size=Size(4096, 2, 50), vm="running")


def e03_inactive_client_active_vps(stage: Stage) -> None:
    """The daily job marked a client inactive whose VPS runs on."""
    client = stage.owner("E03", status="Inactive")
    client.truth.warnings.append("inactive_client_live_service")
    stage.sell(client, vm="running")


def e04_closed_client_active_vps(stage: Stage) -> None:
    """An account was closed by SQL, and its service forgotten."""
    service = stage.sell(stage.owner("E04", status="Closed"), vm="running")
    service.truth.becomes("quarantine", "closed_client_live_service")
    _not_adoptable(service, "not_imported")


def e05_active_client_no_services(stage: Stage) -> None:
    """A client who never bought, and a user who belongs to no client."""
    stage.owner("E05")
    add_user(stage.world, "E05", "e05-alone@example.net", stage.password())


def e06_no_owner(stage: Stage) -> None:
    """The only user of the client does not own it, and must not come to own it."""
    client = add_client(stage.world, "E06", "e06@example.net")
    user = add_user(stage.world, "E06", "e06@example.net", stage.password())
    join(stage.world, user, client, owner=False, permissions="products,invoices")
    client.truth.warnings.append("no_owner")
    stage.sell(client, vm="running")


def e07_two_owners(stage: Stage) -> None:
    """Two users own the same client: the one with the lower id is the owner."""
    client = stage.owner("E07")
    join(stage.world, add_user(stage.world, "E07", "e07-second@example.net", stage.password()), client)
    client.truth.warnings.append("two_owners")
    stage.sell(client, vm="running")


def e08_multi_account_user(stage: Stage) -> None:
    """One user owns three clients."""
    user = add_user(stage.world, "E08", "e08@example.net", stage.password())
    for company in ("Nord GmbH", "Süd GmbH", "West GmbH"):
        client = add_client(stage.world, "E08", "e08@example.net", companyname=company)
        join(stage.world, user, client)
        stage.sell(client, vm="running")


def e09_shared_access_user(stage: Stage) -> None:
    """A user may see and manage the products of somebody else's client."""
    client = stage.owner("E09")
    helper = add_user(stage.world, "E09", "e09-helper@example.net", stage.password())
    join(stage.world, helper, client, owner=False, permissions="products,manageproducts")
    stage.sell(client, vm="running")


def e10_dup_client_email(stage: Stage) -> None:
    """Three clients share one billing address; their users differ."""
    for who in ("a", "b", "c"):
        client = add_client(stage.world, "E10", "office@example.org")
        join(stage.world, add_user(stage.world, "E10", f"e10-{who}@example.net", stage.password()), client)
        stage.sell(client)


def e11_email_case_space_accent(stage: Stage) -> None:
    """The same address typed in capitals and with a space after it."""
    user = add_user(stage.world, "E11", "jose@example.org", stage.password())
    for email in ("JOSE@example.org", "jose@example.org "):
        client = add_client(stage.world, "E11", email, firstname="José", lastname="Núñez")
        join(stage.world, user, client)
        stage.sell(client)


def e12_email_invalid_empty(stage: Stage) -> None:
    """Addresses nobody can sign in with: the account comes over, the login does not."""
    for email in ("", "n/a", "a@b", "e12-a@example.org, e12-b@example.org"):
        client = add_owner(stage.world, "E12", email, stage.password())
        user = stage.world.truth.users[max(stage.world.truth.users)]
        user.expect, user.reason = "quarantine", "email_invalid"
        stage.sell(client)


def e13_hash_zoo(stage: Stage) -> None:
    """Hashes of every age."""
    word = random_password(stage.chance)
    zoo: dict[str, Password] = {
        "md5": md5_plain(word),
        "colon": md5_salted(word, "a:b:ü"),
        "sha256": sha256_keyed(word, "k3y:with:colons"),
        "2a": bcrypted(word, stage.chance, variant="2a", cost=4),
        "2b": bcrypted(word, stage.chance, variant="2b", cost=4),
        "long": bcrypted("ü" * 30 + word, stage.chance, cost=4),
        "cipher": unusable("bXVmZmluIG1hbg9vdGhlciBjaXBoZXI="),
    }
    for slug, password in zoo.items():
        stage.sell(add_owner(stage.world, "E13", f"e13-{slug}@example.net", password))
        if password.plain is None:
            stage.world.truth.users[max(stage.world.truth.users)].warnings.append("password_unusable")


def e14_pw_entities(stage: Stage) -> None:
    """A password with signs of HTML in it, hashed as typed and hashed as escaped."""
    plain = f"""a&b<"c'{random_password(stage.chance)}"""
    salt = salt_of(stage.chance)
    for slug, password in (("raw", md5_salted(plain, salt)), ("escaped", md5_escaped(plain, salt))):
        stage.sell(add_owner(stage.world, "E14", f"e14-{slug}@example.net", password))


def e15_twofa(stage: Stage) -> None:
    """A second factor whose secret cannot be read."""
    client = add_client(stage.world, "E15", "e15@example.net")
    factor = {"second_factor": "totp", "second_factor_config": "TzZLb2RlZCBieSBhbiB1bmtub3duIGtleQ=="}
    user = add_user(stage.world, "E15", "e15@example.net", stage.password(), **factor)
    user.truth.warnings.append("had_two_factor")
    join(stage.world, user, client)
    stage.sell(client)


def e16_html_entities(stage: Stage) -> None:
    """Names escaped once, escaped twice, and only seemingly escaped."""
    for stored, name, warnings in (
        ("O&#039;Brien &amp; Sons", "O'Brien & Sons", []),
        ("A &amp;amp; B", "A &amp; B", ["double_encoded"]),
        ("R&D &copy 2020", "R&D &copy 2020", []),
    ):
        client = stage.owner("E16", f"e16-{len(stage.world.truth.clients)}", companyname=stored)
        client.truth.name = name
        client.truth.warnings += warnings
        stage.sell(client)


def e20_zero_dates(stage: Stage) -> None:
    """Dates of nothing but zeros, as column defaults leave them."""
    client = stage.owner("E20", datecreated=ZERO_DATE, created_at=ZERO_TIME, updated_at=ZERO_TIME)
    service = stage.sell(client, vm="running")
    service.row.update(regdate=ZERO_DATE, nextduedate=ZERO_DATE, nextinvoicedate=ZERO_DATE, created_at=ZERO_TIME)
    service.row.update(billingcycle="Free Account", amount=0)


def e22_enum_blank(stage: Stage) -> None:
    """A status outside the ENUM, and billing cycles as programs misspell them."""
    client = stage.owner("E22")
    blank = stage.sell(client)
    blank.row["domainstatus"] = ""
    blank.truth.status = ""
    blank.truth.becomes("quarantine", "status_unknown")
    for cycle in ("monthly", "One-Time"):
        stage.sell(client).row["billingcycle"] = cycle
    odd = stage.sell(client)
    odd.row["billingcycle"] = "Every 5 Weeks"
    odd.truth.becomes("quarantine", "billing_cycle_unknown")


def e23_suspended_kinds(stage: Stage) -> None:
    """Suspended for money, for abuse, and without a word; the last may run on until a day to come."""
    client = stage.owner("E23")
    stage.sell(client, status="Suspended", vm="stopped")
    abuse = stage.sell(client, status="Suspended", vm="stopped")
    abuse.row["suspendreason"] = "Abuse &amp; spam"
    abuse.truth.suspension = "abuse"
    silent = stage.sell(client, status="Suspended", vm="stopped")
    silent.row.update(suspendreason="", overideautosuspend=1, overidesuspenduntil=date(2027, 1, 31))
    silent.truth.suspension = "admin"


def e24_pending_with_vm(stage: Stage) -> None:
    """The module failed after it had made the VM."""
    stage.sell(stage.owner("E24"), status="Pending", vm="running")


def e25_completed_onetime(stage: Stage) -> None:
    """Paid once and done."""
    service = stage.sell(stage.owner("E25"), stage.shop.one_time, status="Completed")
    service.row.update(billingcycle="One Time", nextduedate=None)


def e26_fraud_terminated_cancelled(stage: Stage) -> None:
    """Services that ended, with rows the module left behind; one VM still runs."""
    client = stage.owner("E26")
    stage.sell(client, status="Fraud", vm="gone")
    leftover = stage.sell(client, status="Terminated", vm="running")
    leftover.truth.warnings.append("vm_left_over")
    _not_adoptable(leftover, "vm_left_over")
    stage.sell(client, status="Cancelled", vm="gone")


def e27_pipe_variants(stage: Stage) -> None:
    """`key|label`, with spaces, with too many pipes, with one half empty."""
    for label in ("4096|4 GB", " 4096 | 4 GB ", "|4 GB", "4096|"):
        _sell_memory(stage, "E27", label, 4096)
    _sell_memory(stage, "E27", "a|b|c", None)


def e28_unit_zoo(stage: Stage) -> None:
    """Memory as people write it."""
    readable = {
        "4 GB": 4096,
        "4096MB": 4096,
        "4g": 4096,
        "0.5 GB": 512,
        "1,5 GB": 1536,
        "2,048 MB": 2048,
        "4 GB DDR4 ECC": 4096,
    }
    for label, memory in readable.items():
        _sell_memory(stage, "E28", label, memory)
    _sell_memory(stage, "E28", "4", 4096).truth.warnings.append("unit_heuristic")
    for label in ("Unlimited", "٤ GB"):
        _sell_memory(stage, "E28", label, None)
    huge = _sell_memory(stage, "E28", "2TB", 2 * 1024 * 1024)
    huge.truth.becomes("quarantine", "memory_mib_out_of_range")


def e31_yesno(stage: Stage) -> None:
    """Yes is a quantity of one; a second installation made two choices of it, and contradicts itself."""
    client = stage.owner("E31")
    for quantity in (1, 0):
        service = stage.sell(client)
        choose(stage.world, service, stage.shop.medium, "Backups", quantity)
        service.truth.extras["backups"] = bool(quantity)
    group = stage.world.add("tblproductconfiggroups", name="Two Choices")
    stage.world.add("tblproductconfiglinks", gid=group["id"], pid=stage.shop.custom.id)
    option = add_option(stage.world, number(group), "Backups", YES_NO, {0: "No", 1: "Yes"})
    torn = stage.sell(client, stage.shop.custom)
    stage.world.add("tblhostingconfigoptions", relid=torn.id, configid=option.id, optionid=option.choices[1], qty=0)
    torn.truth.warnings.append("yes_no_contradiction")


def e32_quantity(stage: Stage) -> None:
    """Quantities of none, of some, below nothing and above the maximum."""
    client = stage.owner("E32")
    for quantity in (0, 7, -1, 20):
        service = stage.sell(client)
        choose(stage.world, service, stage.shop.medium, "Extra IPv4", quantity)
        service.truth.extras["extra_ipv4"] = quantity
        if quantity < 0:
            service.truth.becomes("quarantine", "quantity_negative")
        elif quantity > 8:
            service.truth.warnings.append("quantity_over_maximum")


def e33_stale_options(stage: Stage) -> None:
    """The product was changed; what was chosen for the old one is still there."""
    service = stage.sell(stage.owner("E33"), size=Size(4096, 2, 40), vm="running")
    choose(stage.world, service, stage.shop.old, "RAM", 512)
    service.truth.warnings.append("stale_option")


def e34_stale_only(stage: Stage) -> None:
    """Only the old product's choice of memory exists: better than the plan's."""
    service = stage.sell(stage.owner("E34"))
    stage.world.drop("tblhostingconfigoptions", service.options["RAM"])
    choose(stage.world, service, stage.shop.old, "RAM", 1024)
    service.truth.memory_mib = 1024
    service.truth.warnings.append("stale_option")


def e35_dup_option_rows(stage: Stage) -> None:
    """The same option twice, alike and different: the younger row holds."""
    client = stage.owner("E35")
    choose(stage.world, stage.sell(client), stage.shop.medium, "RAM", 2048)
    torn = stage.sell(client)
    choose(stage.world, torn, stage.shop.medium, "RAM", 8192)
    torn.truth.memory_mib = 8192
    torn.truth.warnings.append("option_conflict")


def e37_hidden_options(stage: Stage) -> None:
    """What is no longer offered is still sold: a hidden option and a hidden choice."""
    service = stage.sell(stage.owner("E37"))
    choose(stage.world, service, stage.shop.medium, "Support Level", 2)
    ram = stage.shop.medium.options["RAM"]
    service.options["RAM"]["optionid"] = add_choice(stage.world, ram, "16384|16 GB", hidden=1)
    service.truth.memory_mib = 16384


def e40_os_value_forms(stage: Stage) -> None:
    """Operating systems by number, by name, by key, and two that are no longer to be had."""
    client = stage.owner("E40")
    forms = {
        "101|Ubuntu 24.04": "ubuntu-24.04",
        "Ubuntu 24.04 LTS": "ubuntu-24.04",
        "ubuntu-24.04": "ubuntu-24.04",
        "rfvt:77|Debian 12": "debian-12",
        "CentOS 6": None,
        "local:vztmpl/arch-base.tar.zst": None,
    }
    for stored, image in forms.items():
        service = stage.sell(client)
        service.fields[OS_FIELD]["value"] = stored
        service.truth.os = image
        if image is None:
            service.truth.becomes("quarantine", "image_unmapped")


def e41_location_forms(stage: Stage) -> None:
    """Places by name, by key, not at all, and one that is not mapped."""
    client = stage.owner("E41")
    for stored in ("Frankfurt, DE", "fsn1-dc14|Falkenstein, Germany", ""):
        stage.sell(client).fields[LOCATION_FIELD]["value"] = stored
    unmapped = stage.sell(client)
    unmapped.fields[LOCATION_FIELD]["value"] = "4|Manchester"
    unmapped.truth.location = None
    unmapped.truth.becomes("quarantine", "location_unmapped")


def e42_cf_polymorphic(stage: Stage) -> None:
    """Client 42 and service 42 both have a value for 42: they are different things."""
    service = stage.sell(stage.owner("E42", id=42), service_id=42, vm="running")
    fill(stage.world, 42, stage.shop.client_location_field, "Manchester")
    service.fields[LOCATION_FIELD]["value"] = "Frankfurt"


def e43_cf_relid0(stage: Stage) -> None:
    """The VMID stands in a field that belongs to no product in particular."""
    stage.sell(stage.owner("E43"), stage.shop.flex, vm="running")


def e44_cf_old_product(stage: Stage) -> None:
    """The product was changed; the operating system stands under the old product's field."""
    service = stage.sell(stage.owner("E44"), image="ubuntu-24.04", vm="running")
    service.fields[OS_FIELD]["fieldid"] = stage.shop.old.fields[OS_FIELD]
    service.truth.warnings.append("field_of_old_product")


def e45_cf_duplicates(stage: Stage) -> None:
    """One field three times, the youngest blank: the youngest that says something holds."""
    service = stage.sell(stage.owner("E45"))
    field = stage.shop.medium.fields[OS_FIELD]
    for value in ("Ubuntu 24.04", ""):
        fill(stage.world, service.id, field, value)
    service.truth.os = "ubuntu-24.04"
    service.truth.warnings.append("field_conflict")


def e47_cf_plain_secret(stage: Stage) -> None:
    """A root password in plain text, which must be dropped and shown nowhere."""
    service = stage.sell(stage.owner("E47"), vm="running")
    secret = f"root-{random_password(stage.chance)}"
    fill(stage.world, service.id, stage.shop.medium.fields[PASSWORD_FIELD], secret)
    stage.world.truth.secrets.append(secret)


def e48_ips(stage: Stage) -> None:
    """Addresses with ports, spaces, prefixes; and things that are none."""
    client = stage.owner("E48")
    for form in ("{}:8443", " {} ", "{}/24"):
        service = stage.sell(client)
        service.row["dedicatedip"] = form.format(service.address.ip)
    six = stage.sell(client)
    six.row["dedicatedip"] = six.truth.address = "2001:db8:10::5"
    none = stage.sell(client)
    none.row["dedicatedip"], none.truth.address = "N/A", None
    none.truth.warnings.append("ip_unparsed")
    many = stage.sell(client)
    many.row["assignedips"] = "198.51.100.7\r\n198.51.100.7, 198.51.100.8\r\n2001:db8:10::6"
    many.truth.assigned = ["198.51.100.7", "198.51.100.8", "2001:db8:10::6"]
    pool = stage.sell(client)
    pool.row["assignedips"] = f"{mac_of(4711)}=198.51.100.9;vmbr2,1250"
    pool.truth.assigned = ["198.51.100.9"]


def e51_qty3_service(stage: Stage) -> None:
    """One service that stands for three."""
    service = stage.sell(stage.owner("E51"))
    service.row["qty"] = 3
    service.truth.becomes("quarantine", "multi_unit_service")


def e52_vmid_legacy_null(stage: Stage) -> None:
    """Before 1.2.10 the module wrote no VMID: it is the number of the service."""
    vmid = stage.world.vms.vmid()
    service = stage.sell(stage.owner("E52"), vm="running", vmid=vmid, service_id=vmid)
    _link_of(service)["vmid"] = None


def e53_vmid_clash(stage: Stage) -> None:
    """One VM claimed by two services: outright, and by a service that merely has the VMID as its number."""
    first = stage.sell(stage.owner("E53", "e53-a"), vm="running")
    second = stage.sell(stage.owner("E53", "e53-b"), vm="gone")
    _claim(second, first)
    third = stage.sell(stage.owner("E53", "e53-c"), vm="running")
    vmid = _vmid(third)
    fourth = stage.sell(stage.owner("E53", "e53-d"), vm="gone", service_id=vmid)
    _claim(fourth, third)
    _link_of(fourth)["vmid"] = None


def e54_vmid_forms(stage: Stage) -> None:
    """VMIDs of a template, below 100, of nothing, and as text only half a number."""
    client = stage.owner("E54")
    template = stage.sell(client, vm="gone", vmid=TEMPLATE_VMID)
    _exists(template)
    _not_adoptable(template, "vm_is_template")
    low = stage.sell(client, stage.shop.flex, vm="gone", vmid=99)
    _not_adoptable(low, "vmid_below_100")
    stage.sell(client, stage.shop.flex, vm="gone")
    for form, readable in (("{} ", True), ("VM-{}", False), ("{}.0", False)):
        service = stage.sell(client, stage.shop.flex, vm="running")
        _link_of(service)["value"] = form.format(_vmid(service))
        if not readable:
            _not_adoptable(service, "vmid_unparsed")


def e55_vtype(stage: Stage) -> None:
    """`kvm`, as an old import of guests wrote for qemu; and a container, which is no VM."""
    client = stage.owner("E55")
    _link_of(stage.sell(client, vm="running"))["vtype"] = "kvm"
    container = stage.sell(client, stage.shop.container, vm="running")
    _link_of(container)["vtype"] = "lxc"
    assert container.vm is not None
    container.vm.type = "lxc"
    _not_adoptable(container, "container")


def e58_orphan_service(stage: Stage) -> None:
    """Services of nobody, and services of no product."""
    for client_id in (0, NOBODY):
        service = stage.sell(stage.owner("E58", f"e58-client{client_id}"))
        service.row["userid"] = service.truth.client_id = client_id
        service.truth.becomes("quarantine", "client_missing")
    client = stage.owner("E58", "e58-product")
    for product_id in (0, NOBODY):
        service = stage.sell(client)
        service.row["packageid"] = product_id
        service.truth.becomes("quarantine", "product_missing")


def e59_orphan_rows(stage: Stage) -> None:
    """Options and fields of services that were deleted, memberships of users that were."""
    ram = stage.shop.medium.options["RAM"]
    world = stage.world
    world.add("tblhostingconfigoptions", relid=NOBODY, configid=ram.id, optionid=ram.choices[2048], qty=0)
    fill(world, NOBODY, stage.shop.medium.fields[OS_FIELD], "Debian 12")
    world.add("tblusers_clients", auth_user_id=NOBODY, client_id=stage.owner("E59").id, owner=0)


def e60_addons(stage: Stage) -> None:
    """Two extra addresses bought as an addon, one addon cancelled, one that is some other product."""
    service = stage.sell(stage.owner("E60"))
    for addon, name, quantity, status in (
        (EXTRA_IP_ADDON, "Extra IP", 2, "Active"),
        (BACKUP_ADDON, "Backups", 1, "Cancelled"),
        (LICENCE_ADDON, "Panel Licence", 1, "Active"),
    ):
        stage.world.add(
            "tblhostingaddons",
            hostingid=service.id,
            addonid=addon,
            userid=service.row["userid"],
            name=name,
            qty=quantity,
            billingcycle="Monthly",
            status=status,
        )
    service.truth.extras["extra_ipv4"] = 2


def e63_unfinished_business(stage: Stage) -> None:
    """An upgrade not yet applied, a cancellation for the end of the term, a module action that keeps failing."""
    client, world = stage.owner("E63"), stage.world
    upgrade, cancel, queue = (stage.sell(client) for _ in range(3))
    world.add("tblupgrades", userid=client.id, type="package", date=date(2026, 10, 30), relid=upgrade.id)
    upgrade.truth.warnings.append("upgrade_pending")
    world.add("tblcancelrequests", relid=cancel.id, reason="moving house", type="End of Billing Period")
    cancel.truth.warnings.append("cancel_requested")
    world.add(
        "tblmodulequeue",
        service_type="service",
        service_id=queue.id,
        module_name="pvewhmcs",
        module_action="SuspendAccount",
        last_attempt_error="connection refused",
        num_retries=5,
    )
    queue.truth.warnings.append("module_queue")


def e70_social_only_user(stage: Stage) -> None:
    """Signs in with somebody else's account and has no password."""
    client = add_client(stage.world, "E70", "e70@example.net")
    user = add_user(stage.world, "E70", "e70@example.net", unusable())
    user.truth.warnings.append("password_unusable")
    join(stage.world, user, client)
    stage.world.add("tblauthn_account_links", provider="google_signin", remote_user_id="1234567890", user_id=user.id)
    stage.sell(client)


CASES: tuple[Callable[[Stage], None], ...] = (
    e01_clean_vps,
    e02_clean_md5,
    e03_inactive_client_active_vps,
    e04_closed_client_active_vps,
    e05_active_client_no_services,
    e06_no_owner,
    e07_two_owners,
    e08_multi_account_user,
    e09_shared_access_user,
    e10_dup_client_email,
    e11_email_case_space_accent,
    e12_email_invalid_empty,
    e13_hash_zoo,
    e14_pw_entities,
    e15_twofa,
    e16_html_entities,
    e20_zero_dates,
    e22_enum_blank,
    e23_suspended_kinds,
    e24_pending_with_vm,
    e25_completed_onetime,
    e26_fraud_terminated_cancelled,
    e27_pipe_variants,
    e28_unit_zoo,
    e31_yesno,
    e32_quantity,
    e33_stale_options,
    e34_stale_only,
    e35_dup_option_rows,
    e37_hidden_options,
    e40_os_value_forms,
    e41_location_forms,
    e42_cf_polymorphic,
    e43_cf_relid0,
    e44_cf_old_product,
    e45_cf_duplicates,
    e47_cf_plain_secret,
    e48_ips,
    e51_qty3_service,
    e52_vmid_legacy_null,
    e53_vmid_clash,
    e54_vmid_forms,
    e55_vtype,
    e58_orphan_service,
    e59_orphan_rows,
    e60_addons,
    e63_unfinished_business,
    e70_social_only_user,
)


def _sell_memory(stage: Stage, case: str, label: str, memory: int | None) -> Service:
    """A service whose memory is a choice named *label*; without *memory* nobody can tell how much that is."""
    client = stage.owner(case, f"{case.lower()}-{len(stage.world.truth.clients)}")
    service = stage.sell(client, stage.shop.custom)
    ram = stage.shop.custom.options["RAM"]
    service.options["RAM"]["optionid"] = add_choice(stage.world, ram, label)
    service.truth.memory_mib = memory
    if memory is None:
        service.truth.becomes("quarantine", "memory_mib_unreadable")
    return service


def _not_adoptable(service: Service, reason: str) -> None:
    assert service.truth.vm is not None
    service.truth.vm.adoptable = False
    service.truth.vm.reason = reason


def _exists(service: Service) -> None:
    assert service.truth.vm is not None
    service.truth.vm.exists, service.truth.vm.status = True, "stopped"


def _claim(rival: Service, holder: Service) -> None:
    """Let *rival* point to the VM of *holder*: then neither may have it."""
    assert rival.truth.vm is not None
    assert holder.truth.vm is not None
    rival.truth.vm.vmid = _link_of(rival)["vmid"] = _vmid(holder)
    rival.truth.vm.exists, rival.truth.vm.status = True, holder.truth.vm.status
    _not_adoptable(rival, "vmid_clash")
    _not_adoptable(holder, "vmid_clash")


def _link_of(service: Service) -> Row:
    assert service.link is not None
    return service.link


def _vmid(service: Service) -> int:
    assert service.truth.vm is not None
    return service.truth.vm.vmid
