"""Custom fields: whose they are, how often they are there, what may be read of them."""

import base64

from testbed.whmcs.catalogue import LOCATION_FIELD, OS_FIELD, PASSWORD_FIELD, VPS_GROUP, Size, add_field, add_vps
from testbed.whmcs.passwords import random_password
from testbed.whmcs.services import fill
from testbed.whmcs.stage import Stage

KEYS = tuple(f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{letter * 43} {letter}@laptop" for letter in "abc")


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
    holds, blank = (fill(stage.world, service.id, field, value) for value in ("Ubuntu 24.04", ""))
    for row in (service.fields[OS_FIELD], blank):
        stage.world.truth.row("tblcustomfieldsvalues", row, "E45", "skip", "field_conflict")
    stage.world.truth.row("tblcustomfieldsvalues", holds, "E45", "warn", "field_conflict")
    service.truth.os = "ubuntu-24.04"
    service.truth.warnings.append("field_conflict")


def e47_cf_plain_secret(stage: Stage) -> None:
    """A root password in plain text, which must be dropped and shown nowhere."""
    service = stage.sell(stage.owner("E47"), vm="running")
    secret = f"root-{random_password(stage.chance)}"
    row = fill(stage.world, service.id, stage.shop.medium.fields[PASSWORD_FIELD], secret)
    stage.world.truth.row("tblcustomfieldsvalues", row, "E47", "skip", "secret")
    stage.world.truth.secrets.append(secret)


def e46_cf_types(stage: Stage) -> None:
    """A field of every type: ticked and not, three keys in lines, an address, a choice that is no longer offered."""
    world, client = stage.world, stage.owner("E46")
    product = add_vps(world, VPS_GROUP, 17, "VPS Typed", Size(2048, 2, 40), "10.00")
    kinds = {"Managed": "tickbox", "SSH Keys": "textarea", "Panel URL": "link", "Root Secret": "password"}
    fields = {name: add_field(world, "product", product.id, name, fieldtype=kind) for name, kind in kinds.items()}
    for ticked in ("on", ""):
        service = stage.sell(client, product)
        fill(world, service.id, fields["Managed"], ticked)
        if ticked:
            service.truth.extras["managed"] = True
    fill(world, service.id, fields["SSH Keys"], "\r\n".join(KEYS))
    service.truth.extras["ssh_keys"] = "\n".join(KEYS)
    url = "https://panel.example.net/46"
    fill(world, service.id, fields["Panel URL"], f'<a href="{url}">{url}</a>')
    service.truth.extras["panel_url"] = url
    ciphertext = base64.b64encode(stage.chance.randbytes(33)).decode()
    world.truth.row(
        "tblcustomfieldsvalues", fill(world, service.id, fields["Root Secret"], ciphertext), "E46", "skip", "secret"
    )
    world.truth.secrets.append(ciphertext)
    service.fields[OS_FIELD]["value"] = "debian-12|Debian 12 (no longer offered)"
