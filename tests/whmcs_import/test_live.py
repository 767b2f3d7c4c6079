"""A dry run beside a Proxmox that has the sample's VMs: what it says of each, and what it says when it is away."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.testbed_whmcs.running import Testbed
from tests.whmcs_import.conftest import ROOT, Importer

pytestmark = [pytest.mark.pg, pytest.mark.mariadb, pytest.mark.pve]


@pytest.fixture
def proxmox(whmcs: Testbed, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A Proxmox testbed with the inventory of the sample: its ready line."""
    arguments = ["--state", str(tmp_path / "pve"), "--inventory", whmcs.ready["inventory"]]
    process = subprocess.Popen(
        [sys.executable, "-m", "testbed", "proxmox", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    ready: dict[str, Any] = json.loads(process.stdout.readline())
    yield ready
    process.terminate()
    process.communicate()


def configured(importer: Importer, folder: Path, pve: dict[str, Any], url: str) -> Importer:
    """The command with one cluster in its settings."""
    (folder / "token").write_text(pve["token_secret"])
    settings = folder / "hostler.toml"
    settings.write_text(
        f"""
        [auth]
        signing_key_file = "none"
        secret_key_file = "none"
        [[cluster]]
        name = "demo"
        endpoints = ["{url}"]
        token_id = "{pve["token_id"]}"
        token_secret_file = "token"
        verify = "none"
        storage = "local"
        """
    )
    return replace(importer, environment={"HOSTLER_CONFIG": str(settings)})


def test_each_named_vm_is_looked_up(
    importer: Importer, proxmox: dict[str, Any], truth: dict[str, Any], tmp_path: Path
) -> None:
    report = configured(importer, tmp_path, proxmox, proxmox["url"]).run("--dry-run").report
    assert report["live"]["errors"] == {}
    seen = {row["service_id"]: row for row in report["adoption"]}
    named = [service for service in truth["services"] if service["expect"] == "import" and service["vm"]]
    assert len(named) > 20
    for service in named:
        row, vm = seen[str(service["service_id"])], service["vm"]
        if row["vmid"] is None:
            assert vm["reason"] == "vmid_unparsed"
            continue
        expected = {"vm_is_template": "template", "container": "container"}.get(
            vm["reason"], "found" if vm["exists"] else "missing"
        )
        assert row["live"]["state"] == expected, service
        if expected == "found":
            assert row["live"]["actual"].keys() | {"disk_gib"} == row["sold"].keys()
            torn = {name for name, size in row["live"]["actual"].items() if size != row["sold"][name]}
            assert set(row["live"]["differs"]) == torn
    assert report["plan_hash"] == importer.run("--dry-run").report["plan_hash"]


def test_a_proxmox_that_is_away_is_unreachable_not_missing(
    importer: Importer, proxmox: dict[str, Any], tmp_path: Path
) -> None:
    away = configured(importer, tmp_path, proxmox, "https://127.0.0.1:1").run("--dry-run")
    assert away.code == 2
    assert set(away.report["live"]["counts"]) == {"unreachable"}
    assert "demo" in away.report["live"]["errors"]
