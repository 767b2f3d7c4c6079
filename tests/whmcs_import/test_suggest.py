"""The draft of a mapping file: it can be used, names what is sold, and takes nothing for a size that may be none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from testbed.whmcs import sample
from tests.whmcs_import import shops
from tests.whmcs_import.conftest import Importer
from tests.whmcs_import.shops import Shops
from whmcs_import.mapping import mapping_file

pytestmark = [pytest.mark.pg, pytest.mark.mariadb]


@pytest.mark.parametrize("schema", ["v5", "v7", "v8.3", "v8.13"])
def test_the_draft_can_be_used_as_it_is_and_guesses_no_size(
    shops_server: Shops, database_url: str, tmp_path: Path, schema: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "draft.yaml"
    with shops_server.open(world := sample.make(7, 3, "all", 0.5, schema), schema) as shop:
        capsys.readouterr()
        assert shops.run(shop, database_url, tmp_path, "suggest-mapping")[0] == 0
        file.write_text(text := capsys.readouterr().out)
        drafted = mapping_file.parse(text, "draft")
        code, planned = shops.run(shop, database_url, tmp_path, "--dry-run", "--mapping", str(file))
    assert code == 2
    assert "RAM" in {name for source in drafted.targets["memory_mib"].sources for name in source.match.names}
    tops = {source.scale for source in drafted.targets["memory_mib"].sources if source.op == "add"}
    assert tops == {512, 1}  # Extra RAM (x512MB), RAM +1GB
    assert planned["mapping"]["unmapped_values"] == []
    right = {str(s["service_id"]): s for s in world.truth.as_json()["services"]}
    imported = {row["service_id"] for row in planned["adoption"]}
    # One shop sells the same name in two units, and hides sizes where only its own mapping finds them.
    expected = {id for id, service in right.items() if service["expect"] == "import"}
    assert len(imported & expected) > 0.9 * len(expected)
    aside = {row["reason"] for row in planned["quarantined"] if row["entity"] == "servers"}
    assert "row_unreadable" not in aside


def test_what_only_the_operator_can_know_is_asked_for(importer: Importer, tmp_path: Path) -> None:
    run = importer.run("suggest-mapping")
    assert run.code == 0, run.stderr
    file = tmp_path / "draft.yaml"
    file.write_text(run.stdout)
    planned = importer.run("--mapping", str(file), "--dry-run")
    assert {row["reason"] for row in planned.report["adoption"]} >= {"server_not_mapped"}
    assert "Backups" in run.stdout.partition("# Nothing else is known of these")[2]
    file.write_text(
        re.sub(r"^( *)# (?=\d+: CLUSTER)", r"\1", run.stdout, flags=re.MULTILINE).replace("CLUSTER", "demo")
    )
    planned = importer.run("--mapping", str(file), "--dry-run")
    assert planned.code == 2, planned.stderr
    assert planned.report["mapping"]["unmapped_options"] == planned.report["mapping"]["unmapped_values"] == []
    assert any(row["state"] == "candidate" for row in planned.report["adoption"])
