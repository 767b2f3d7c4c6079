"""Dates, statuses and cycles that are not what the column promises."""

from datetime import date

from testbed.whmcs.cases.common import not_adoptable
from testbed.whmcs.stage import Stage

ZERO_DATE, ZERO_TIME = "0000-00-00", "0000-00-00 00:00:00"


def e20_zero_dates(stage: Stage) -> None:
    """Dates of nothing but zeros, as column defaults leave them."""
    client = stage.owner("E20", datecreated=ZERO_DATE, created_at=ZERO_TIME, updated_at=ZERO_TIME)
    service = stage.sell(client, vm="running")
    service.row.update(regdate=ZERO_DATE, nextduedate=ZERO_DATE, nextinvoicedate=ZERO_DATE, created_at=ZERO_TIME)
    service.row.update(billingcycle="Free Account", amount=0)
    service.truth.cycle, service.truth.amount = "free", "0.00"
    service.truth.next_due = service.truth.registered = None


def e22_enum_blank(stage: Stage) -> None:
    """A status outside the ENUM, and billing cycles as programs misspell them."""
    client = stage.owner("E22")
    blank = stage.sell(client)
    blank.row["domainstatus"] = ""
    blank.truth.status = ""
    blank.truth.becomes("quarantine", "status_unknown")
    for stored, cycle in (("monthly", "monthly"), ("One-Time", "one_time")):
        service = stage.sell(client)
        service.row["billingcycle"], service.truth.cycle = stored, cycle
    odd = stage.sell(client)
    odd.row["billingcycle"], odd.truth.cycle = "Every 5 Weeks", None
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
    service.truth.cycle, service.truth.next_due = "one_time", None


def e26_fraud_terminated_cancelled(stage: Stage) -> None:
    """Services that ended, with rows the module left behind; one VM still runs."""
    client = stage.owner("E26")
    fraud = stage.sell(client, status="Fraud", vm="gone")
    leftover = stage.sell(client, status="Terminated", vm="running")
    not_adoptable(leftover, "vm_left_over")
    for service in (fraud, leftover, stage.sell(client, status="Cancelled", vm="gone")):
        service.truth.warnings.append("vm_left_over")


def e51_qty3_service(stage: Stage) -> None:
    """One service that stands for three."""
    service = stage.sell(stage.owner("E51"))
    service.row["qty"] = 3
    service.truth.becomes("quarantine", "multi_unit_service")


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


def e21_impossible_dates(stage: Stage) -> None:
    """Days that never were, years that cannot be meant, and none where one is due."""
    client = stage.owner("E21")
    for stored, warning in (
        ("2024-02-30", "date_impossible"),
        ("2024-02-00", "date_impossible"),
        ("0202-01-01", "date_implausible"),
    ):
        service = stage.sell(client)
        service.row["regdate"], service.truth.registered = stored, None
        service.truth.warnings.append(warning)
    far = stage.sell(client)
    far.row["nextduedate"] = far.truth.next_due = "2099-12-31"
    for due in (None, ZERO_DATE, "2024-02-30"):
        undue = stage.sell(client)
        undue.row["nextduedate"], undue.truth.next_due = due, None
        undue.truth.becomes("quarantine", "next_due_missing")


def e22_cycle_free(stage: Stage) -> None:
    """`Free`, as an interface of WHMCS takes it."""
    service = stage.sell(stage.owner("E22", "e22-free"))
    service.row.update(billingcycle="Free", amount=0, nextduedate=None)
    service.truth.cycle, service.truth.amount, service.truth.next_due = "free", "0.00", None
