"""Clients and users: who owns what, who signs in, and with which address."""

from testbed.whmcs.cases.common import last_user, not_adoptable
from testbed.whmcs.catalogue import Size
from testbed.whmcs.passwords import bcrypted, md5_salted, random_password, salt_of
from testbed.whmcs.people import add_client, add_owner, add_user, join
from testbed.whmcs.stage import Stage


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
    not_adoptable(service, "not_imported")


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
        user = last_user(stage)
        user.expect, user.reason = "quarantine", "email_invalid"
        stage.sell(client)
