"""The awkward rows of real installations, one function each, named by the id under which truth.json lists them.

To add a case: write a function `eNN_name(stage)` that sells in good order, spoils the rows it is about and corrects
the truth, and put it into MORE. What is in DEMO stays as it is and where it is: its rows keep their ids.
"""

from collections.abc import Callable
from typing import Any

from testbed.whmcs.cases import (
    addresses,
    fields,
    links,
    logins,
    money,
    options,
    orphans,
    panels,
    people,
    situations,
    states,
    texts,
)
from testbed.whmcs.stage import Stage
from testbed.whmcs.truth import Truth

Case = Callable[[Stage], None]

DEMO: tuple[Case, ...] = (
    people.e01_clean_vps,
    people.e02_clean_md5,
    people.e03_inactive_client_active_vps,
    people.e04_closed_client_active_vps,
    people.e05_active_client_no_services,
    people.e06_no_owner,
    people.e07_two_owners,
    people.e08_multi_account_user,
    people.e09_shared_access_user,
    people.e10_dup_client_email,
    people.e11_email_case_space_accent,
    people.e12_email_invalid_empty,
    logins.e13_hash_zoo,
    logins.e14_pw_entities,
    logins.e15_twofa,
    texts.e16_html_entities,
    states.e20_zero_dates,
    states.e22_enum_blank,
    states.e23_suspended_kinds,
    states.e24_pending_with_vm,
    states.e25_completed_onetime,
    states.e26_fraud_terminated_cancelled,
    options.e27_pipe_variants,
    options.e28_unit_zoo,
    options.e31_yesno,
    options.e32_quantity,
    options.e33_stale_options,
    options.e34_stale_only,
    options.e35_dup_option_rows,
    options.e37_hidden_options,
    options.e40_os_value_forms,
    options.e41_location_forms,
    fields.e42_cf_polymorphic,
    fields.e43_cf_relid0,
    fields.e44_cf_old_product,
    fields.e45_cf_duplicates,
    fields.e47_cf_plain_secret,
    addresses.e48_ips,
    states.e51_qty3_service,
    links.e52_vmid_legacy_null,
    links.e53_vmid_clash,
    links.e54_vmid_forms,
    links.e55_vtype,
    orphans.e58_orphan_service,
    orphans.e59_orphan_rows,
    money.e60_addons,
    states.e63_unfinished_business,
    logins.e70_social_only_user,
)

MORE: tuple[Case, ...] = (
    logins.e13_hash_zoo_edges,
    texts.e17_mojibake,
    texts.e18_latin1_table,
    texts.e19_control_chars,
    states.e21_impossible_dates,
    states.e22_cycle_free,
    options.e29_base_plus_extra,
    options.e30_mb_vs_gb_same_name,
    options.e36_broken_refs,
    options.e38_option_same_name_two_groups,
    options.e39_unicode_option_names,
    fields.e46_cf_types,
    addresses.e49_ip_shared,
    addresses.e50_hostnames,
    links.e56_two_clusters,
    links.e57_server_gone,
    money.e61_currencies,
    money.e62_group_discount_taxexempt,
    texts.e65_giant_notes,
    situations.e67_odd_columns,
    situations.e68_rerun_delta,
    panels.m01_modulesgarden,
    panels.m02_modulesgarden_cloud,
    panels.m03_proxmoxvm,
    panels.m04_foreign_panels,
    panels.m05_vmid_in_notes,
)

# These put in nothing that there can be only once, neither an id nor an address to sign in with.
REPEATABLE: tuple[Case, ...] = (
    people.e03_inactive_client_active_vps,
    people.e04_closed_client_active_vps,
    texts.e16_html_entities,
    states.e20_zero_dates,
    states.e21_impossible_dates,
    states.e22_enum_blank,
    states.e23_suspended_kinds,
    states.e24_pending_with_vm,
    states.e25_completed_onetime,
    states.e26_fraud_terminated_cancelled,
    options.e27_pipe_variants,
    options.e28_unit_zoo,
    options.e32_quantity,
    options.e33_stale_options,
    options.e34_stale_only,
    options.e35_dup_option_rows,
    options.e40_os_value_forms,
    options.e41_location_forms,
    fields.e43_cf_relid0,
    fields.e44_cf_old_product,
    fields.e45_cf_duplicates,
    fields.e47_cf_plain_secret,
    states.e51_qty3_service,
    money.e60_addons,
    states.e63_unfinished_business,
)


def table(cases: tuple[Case, ...], truth: Truth) -> list[dict[str, Any]]:
    """Every case by its name: what it is about, what brings it about, and the rows that belong to it."""
    entries: dict[str, dict[str, Any]] = {}
    for case in cases:
        number, _, name = case.__name__.partition("_")
        entry = _entry(number.upper(), name, case.__module__.rpartition(".")[2], str(case.__doc__), "")
        entries.setdefault(entry["id"], entry)
    for full, how in situations.BROUGHT_ABOUT.items():
        number, _, name = full.partition("_")
        entries[number] = _entry(number, name, "situations", "", how)
    for kind, ids in _rows(truth).items():
        for case_id, row in ids:
            if case_id in entries:
                entries[case_id][kind].append(row)
    return [entries[key] for key in sorted(entries)]


def _entry(case_id: str, name: str, family: str, about: str, how: str) -> dict[str, Any]:
    rows: dict[str, list[int]] = {"services": [], "clients": [], "users": []}
    return {"id": case_id, "name": name, "family": family, "about": about, "brought_about_by": how, **rows}


def _rows(truth: Truth) -> dict[str, list[tuple[str, int]]]:
    return {
        "services": [(service.case, service.service_id) for service in truth.services.values()],
        "clients": [(client.case, client.client_id) for client in truth.clients.values()],
        "users": [(user.case, user.user_id) for user in truth.users.values()],
    }
