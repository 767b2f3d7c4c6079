"""Snippets: files of the operator's that a cloud-init drive is made of."""

from pathlib import Path

import pytest

from testbed.proxmox.storage import snippets
from tests.testbed_proxmox.bed import Bed, bed_in

pytestmark = pytest.mark.pve
SCRIPT = "#!/bin/sh\necho hello\n"


def folder(bed: Bed) -> Path:
    found = bed.running.ready()["snippets"]
    assert isinstance(found, dict)
    assert found["path"].endswith("/pve1/local/snippets")
    return Path(found["path"])


async def test_a_guest_is_given_the_vendor_data_that_its_configuration_names(bed: Bed) -> None:
    vm = await bed.cloned(200)
    (folder(bed) / "mine.yaml").write_text(SCRIPT)
    await bed.put(f"{vm}/config", cicustom="vendor=local:snippets/mine.yaml")
    before = await bed.get(f"{vm}/cloudinit/dump", type="meta")
    assert await bed.run("POST", f"{vm}/status/start") == "OK"
    spec = bed.node.vms.load(200).guest
    assert spec is not None
    assert spec.cloud_init.vendor_data == SCRIPT
    await bed.put(f"{vm}/config", delete="cicustom")
    assert "cicustom" not in await bed.get(f"{vm}/config")
    assert await bed.get(f"{vm}/cloudinit/dump", type="meta") == before  # the instance stays the same
    (folder(bed) / "mine.yaml").unlink()
    assert await bed.run("POST", f"{vm}/status/stop") == "OK"
    assert await bed.run("POST", f"{vm}/status/start") == "OK"


@pytest.mark.parametrize(
    ("volume", "text"),
    [
        ("local:snippets/none.yaml", "volume 'local:snippets/none.yaml' does not exist"),
        ("local:iso/none.iso", "local:iso/none.iso is not in the snippets directory"),
        ("else:snippets/none.yaml", "storage 'else' does not exist"),
        ("local:snippets/long.yaml", "file '/var/lib/vz/snippets/long.yaml' too long - aborting"),
    ],
)
async def test_what_cannot_be_read_refuses_the_start(bed: Bed, volume: str, text: str) -> None:
    vm = await bed.cloned(200)
    (folder(bed) / "long.yaml").write_bytes(b"#" * (snippets.MOST_BYTES + 1))
    await bed.put(f"{vm}/config", cicustom=f"vendor={volume}")
    assert await bed.run("POST", f"{vm}/status/start") == text
    assert not bed.runs(200)
    assert (await bed.call("PUT", f"{vm}/cloudinit")).reason_phrase == text


async def test_a_shared_storage_has_one_folder_for_all_nodes(tmp_path: Path) -> None:
    async with bed_in(tmp_path, nodes=2) as bed:
        await bed.post("/storage", storage="nas", type="nfs", server="10.0.0.1", export="/nas", content="snippets")
        nas, local = (bed.cluster.storages.load(name) for name in ("nas", "local"))
        nodes = bed.cluster.nodes.values()
        assert {snippets.folder(node, nas) for node in nodes} == {tmp_path / "content/shared/nas/snippets"}
        assert len({snippets.folder(node, local) for node in nodes}) == 2


async def test_files_that_somebody_put_there_are_listed(bed: Bed) -> None:
    (folder(bed) / "mine.yaml").write_text(SCRIPT)
    (row,) = await bed.get("/nodes/pve1/storage/local/content", content="snippets")
    assert (row["volid"], row["content"], row["format"], row["size"]) == (
        *("local:snippets/mine.yaml", "snippets", "snippet", len(SCRIPT)),
    )
