"""What is bought on top, and in which currency."""

from decimal import Decimal

from testbed.whmcs.catalogue import BACKUP_ADDON, EXTRA_IP_ADDON, LICENCE_ADDON
from testbed.whmcs.stage import Stage


def e60_addons(stage: Stage) -> None:
    """Two extra addresses bought as an addon, one addon cancelled, one that is some other product."""
    service = stage.sell(stage.owner("E60"))
    for addon, name, quantity, status in (
        (EXTRA_IP_ADDON, "Extra IP", 2, "Active"),
        (BACKUP_ADDON, "Backups", 1, "Cancelled"),
        (LICENCE_ADDON, "Panel Licence", 1, "Active"),
    ):
        row = stage.world.add(
            "tblhostingaddons",
            hostingid=service.id,
            addonid=addon,
            userid=service.row["userid"],
            name=name,
            qty=quantity,
            billingcycle="Monthly",
            status=status,
        )
        if status != "Active":
            stage.world.truth.row("tblhostingaddons", row, "E60", "skip", status.lower())
    service.truth.extras["extra_ipv4"] = 2


def e61_currencies(stage: Stage) -> None:
    """Currencies with no decimals and with three, an amount below nothing, and a currency that was deleted."""
    world = stage.world
    for code, rate in (("JPY", "160.00000"), ("KWD", "0.33000")):
        world.add("tblcurrencies", code=code, format=1, rate=Decimal(rate))
    for currency, amount in ((1, "-5.00"), (2, "12.34"), (3, "1500.00"), (4, "4.25")):
        service = stage.sell(stage.owner("E61", f"e61-{currency}", currency=currency))
        service.row["amount"], service.truth.amount = Decimal(amount), amount
    deleted = stage.sell(stage.owner("E61", "e61-deleted", currency=99))
    deleted.truth.becomes("quarantine", "currency_missing")


def e62_group_discount_taxexempt(stage: Stage) -> None:
    """A reseller with a discount who pays no tax."""
    client = stage.owner("E62", groupid=1, tax_id="DE123456789", taxexempt=1)
    client.truth.profile |= {"group": "Resellers", "tax_id": "DE123456789", "taxexempt": "1"}
    stage.sell(client)
