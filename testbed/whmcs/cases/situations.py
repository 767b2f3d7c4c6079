"""What is not about one row: other tables than expected, and a source that has changed since it was read."""

from testbed.whmcs.cases.common import link_of, vmid_of
from testbed.whmcs.stage import Stage
from testbed.whmcs.truth import Change
from testbed.whmcs.world import number

# Cases that no row brings about: by the flags of the testbed, or by what is done to the importer.
BROUGHT_ABOUT = {
    "E64_myisam_mix": "--engine-mix 3 --mutate 20",
    "E66_v7_schema_v5_schema": "--schema v7, --schema v5",
    "E69_kill_mid_apply": "SIGKILL the importer at 40 % and run it again: the same end, nothing twice",
}


def e67_odd_columns(stage: Stage) -> None:
    """An optional column is missing, others are there that nobody knows, and a module keeps its VMs elsewhere."""
    stage.world.alter("ALTER TABLE tblproductconfigoptions DROP COLUMN qtyminimum")
    stage.world.alter(
        "ALTER TABLE tblhosting ADD COLUMN reseller_note varchar(64) NULL, ADD COLUMN margin decimal(5,2)"
    )
    stage.world.alter("CREATE TABLE mod_pvewhmcs_vms_v1 LIKE mod_pvewhmcs_vms")
    service = stage.sell(stage.owner("E67"), vm="running")
    service.row["reseller_note"] = "bought at the fair"
    link = link_of(service)
    stage.world.drop("mod_pvewhmcs_vms", link)
    stage.world.add("mod_pvewhmcs_vms_v1", **link)
    service.truth.vm = None


def e68_rerun_delta(stage: Stage) -> None:
    """Rows that change after an import, each in its own way; the statements stand in the truth's `delta`."""
    client, other = stage.owner("E68"), stage.owner("E68", "e68-other")
    price, option, owner, status, vmid, deleted = (stage.sell(client, vm="running") for _ in range(6))
    stage.sell(other)
    ram = stage.shop.medium.options["RAM"].choices[8192]
    row = number(option.options["RAM"])
    moved = stage.world.vms.vmid()
    update = "UPDATE tblhosting SET"
    stage.world.truth.delta += [
        Change("price", f"{update} amount = 19.90 WHERE id = {price.id}", "service", price.id, "update").then(
            amount="19.90"
        ),
        Change(
            "option",
            f"UPDATE tblhostingconfigoptions SET optionid = {ram} WHERE id = {row}",
            "service",
            option.id,
            "update",
        ).then(memory_mib=8192),
        Change(
            "owner",
            f"{update} userid = {other.id} WHERE id = {owner.id}",
            "service",
            owner.id,
            "quarantine",
            "owner_changed",
        ),
        Change(
            "status",
            f"{update} domainstatus = 'Terminated' WHERE id = {status.id}",
            "service",
            status.id,
            "vanish",
            "terminated",
        ),
        Change(
            "vmid",
            f"UPDATE mod_pvewhmcs_vms SET vmid = {moved} WHERE vmid = {vmid_of(vmid)}",
            "service",
            vmid.id,
            "update",
        ).then(vmid=moved),
        Change("deleted", f"DELETE FROM tblhosting WHERE id = {deleted.id}", "service", deleted.id, "vanish", "gone"),
    ]
