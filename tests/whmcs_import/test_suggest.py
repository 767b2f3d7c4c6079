"""The draft of a mapping file: it can be read, names what is sold, and refuses what nobody has placed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.whmcs_import.conftest import Importer
from whmcs_import import mapping_file

pytestmark = [pytest.mark.pg, pytest.mark.mariadb]


def test_the_draft_is_a_mapping_file_that_names_what_is_sold_and_is_refused_until_it_is_complete(
    importer: Importer, tmp_path: Path
) -> None:
    run = importer.run("suggest-mapping")
    assert run.code == 0, run.stderr
    drafted = mapping_file.parse(run.stdout, "draft")
    assert "RAM" in {name for source in drafted.targets["memory_mib"].sources for name in source.match.names}
    assert drafted.product_rule(1, "") is not None
    assert "Backups" in run.stdout.partition("# Nothing is known of these")[2]
    file = tmp_path / "draft.yaml"
    file.write_text(run.stdout)
    refused = importer.run("--mapping", str(file))
    assert refused.code == 3
    assert refused.report["mapping"]["complete"] is False
    assert refused.report["run_id"] is None
    assert {"Backups"} <= {unmapped["name"] for unmapped in refused.report["mapping"]["unmapped_options"]}
    # An operator takes every # away and writes in what is asked for.
    filled = re.sub(r"^( *)# (?=\"|\d+: CLUSTER)", r"\1", run.stdout, flags=re.MULTILINE)
    file.write_text(filled.replace("WHAT-IT-IS-HERE", "ours").replace(": CLUSTER", ": demo"))
    planned = importer.run("--mapping", str(file), "--dry-run")
    assert planned.code == 2, planned.stderr
    assert planned.report["mapping"]["unmapped_options"] == planned.report["mapping"]["unmapped_values"] == []
    assert planned.report["entities"]["servers"]["create"] > planned.report["entities"]["servers"]["seen"] / 2
    assert any(row["state"] == "candidate" for row in planned.report["adoption"])
