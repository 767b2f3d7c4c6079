"""The report for people: each count comes with rows that show what it is about."""

from __future__ import annotations

from collections import Counter

from whmcs_import.planning.plan import Plan
from whmcs_import.source.extract import SourceInfo
from whmcs_import.telling.report import Report

SOURCE = SourceInfo(
    address="mysql://reader@host/whmcs",
    version="8.3.1",
    server="10.11",
    snapshot_at="2026-11-22T00:00:00+00:00",
    method="snapshot",
    engines={"InnoDB": 20, "MyISAM": 3},
    collations={"utf8mb4_unicode_ci": 23},
    rows={"tblhosting": 7, "tblcontacts": 0},
    digests={},
    grants=["SELECT"],
)


def lines(plan: Plan) -> list[str]:
    return Report(plan, SOURCE, "whmcs", "map.yaml", "0", dry_run=True).as_text().splitlines()


def test_where_it_comes_from_is_told_whole() -> None:
    text = "\n".join(lines(Plan("whmcs", hashes=Counter(bcrypt=5, md5_salt=2))))
    assert "snapshot, by a user who may SELECT" in text
    assert "InnoDB 20, MyISAM 3; utf8mb4_unicode_ci 23" in text
    assert "tblhosting 7\n" in text
    assert "passwords: bcrypt 5, md5_salt 2" in text


def test_each_reason_shows_several_rows_and_what_was_found_in_each() -> None:
    plan = Plan("whmcs")
    for id, said in enumerate(("a|b|c", "Unlimited", "x\r\ny", "٤ GB"), 1):
        plan.quarantine("servers", id, "memory_mib_unreadable", f"says {said!r}")
    plan.warn("accounts", 9, [("mojibake_suspected", "M" * 500)])
    told = lines(plan)
    quarantined = next(line for line in told if "memory_mib_unreadable" in line)
    assert quarantined.strip() == (
        "quarantined: servers memory_mib_unreadable (4), such as"
        " 1 (says 'a|b|c'); 2 (says 'Unlimited'); 3 (says 'x\\r\\ny'); …"
    )
    assert max(map(len, told)) < 400


def test_what_proxmox_has_otherwise_than_it_was_sold_is_named() -> None:
    plan = Plan("whmcs")
    row = {"service_id": "7", "cluster": "demo", "vmid": 105, "kind": "qemu", "evidence": [], "state": "candidate"}
    sold, actual = {"vcpus": 2, "memory_mib": 4096, "disk_gib": 40}, {"vcpus": 2, "memory_mib": 2048}
    live = {"state": "found", "actual": actual, "differs": ["memory_mib"]}
    plan.adoption = [{**row, "reason": None, "sold": sold, "live": live}]
    seen = {"at": "2026-11-22", "counts": {"found": 1}, "differ": 1, "errors": {}}
    text = Report(plan, SOURCE, "whmcs", "map.yaml", "0", dry_run=True, live=seen).as_text()
    assert "service 7 on VM 105: memory_mib 4096 sold, 2048 there" in text
