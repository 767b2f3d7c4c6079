"""What is said to be possible with a VM's disks."""

import pytest

from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve
TEMPLATE = "/nodes/pve1/qemu/9000/feature"


async def test_a_template_can_be_cloned_by_linking_and_its_clone_cannot(bed: Bed) -> None:
    assert await bed.get(TEMPLATE, feature="clone") == {"hasFeature": 1, "nodes": ["pve1"]}
    vm = await bed.cloned(101)
    assert (await bed.get(f"{vm}/feature", feature="clone"))["hasFeature"] == 0
    assert (await bed.get(f"{vm}/feature", feature="snapshot"))["hasFeature"] == 1
    assert (await bed.get(TEMPLATE, feature="snapshot"))["hasFeature"] == 0


async def test_a_feature_of_a_snapshot_needs_the_snapshot(bed: Bed) -> None:
    vm = await bed.cloned(101)
    answer = await bed.call("GET", f"{vm}/feature", {"feature": "copy", "snapname": "before"})
    assert (answer.status_code, answer.reason_phrase) == (500, "snapshot 'before' does not exist")
    assert await bed.run("POST", f"{vm}/snapshot", snapname="before") == "OK"
    assert (await bed.get(f"{vm}/feature", feature="copy", snapname="before"))["hasFeature"] == 1


async def test_only_known_features_can_be_asked_for(bed: Bed) -> None:
    answer = await bed.call("GET", TEMPLATE, {"feature": "flight"})
    assert answer.status_code == 400
    assert "feature" in answer.json()["errors"]
