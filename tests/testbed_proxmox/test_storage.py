"""What lies on a storage: disks, images, uploads, downloads."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from testbed.postgres import free_port
from tests.testbed_proxmox.bed import NODE, Bed

pytestmark = pytest.mark.pve
STORAGE = f"/nodes/{NODE}/storage/local"
CONTENT = f"{STORAGE}/content"


async def volids(bed: Bed, **filters: Any) -> list[str]:
    return [row["volid"] for row in await bed.get(CONTENT, **filters)]


async def uploaded(bed: Bed, name: str, data: bytes, **fields: str) -> Any:
    form = {"content": "iso", **fields}
    return await bed.client.post(
        f"/api2/json{STORAGE}/upload", data=form, files={"filename": (name, data)}, headers=bed.headers
    )


async def test_a_disk_is_made_by_name_once(bed: Bed) -> None:
    wanted = {"vmid": 7000, "filename": "vm-7000-disk-0.qcow2", "size": "8M", "format": "qcow2"}
    assert await bed.post(CONTENT, **wanted) == "local:7000/vm-7000-disk-0.qcow2"
    again = await bed.call("POST", CONTENT, wanted)
    path = "/var/lib/vz/images/7000/vm-7000-disk-0.qcow2"
    assert again.reason_phrase == f"disk image '{path}' already exists"
    assert (await bed.get(f"{CONTENT}/local:7000/vm-7000-disk-0.qcow2"))["path"] == path
    assert await volids(bed, vmid=7000) == ["local:7000/vm-7000-disk-0.qcow2"]


async def test_removing_a_volume_is_a_task_of_its_owner_even_if_it_is_gone(bed: Bed) -> None:
    await bed.post(CONTENT, vmid=7000, filename="vm-7000-disk-0.raw", size="1G")
    upid = await bed.delete(f"{CONTENT}/7000/vm-7000-disk-0.raw")
    assert ":imgdel:7000@local:" in upid
    assert await bed.finished(upid) == "OK"
    assert await bed.log(upid) == ["Removed volume 'local:7000/vm-7000-disk-0.raw'", "TASK OK"]
    upid = await bed.delete(f"{CONTENT}/local:7000/vm-7000-disk-0.raw")
    await bed.finished(upid)
    assert (await bed.log(upid))[0] == "disk image '/var/lib/vz/images/7000/vm-7000-disk-0.raw' does not exist"
    await bed.post(CONTENT, vmid=7000, filename="vm-7000-disk-0.raw", size="1G")
    assert await bed.delete(f"{CONTENT}/7000/vm-7000-disk-0.raw", delay=10) is None


async def test_a_base_that_clones_need_stays(bed: Bed) -> None:
    await bed.cloned(100)
    base = next(row for row in await volids(bed, vmid=9000) if "base-" in row)
    assert await bed.run("DELETE", f"{CONTENT}/{base}") == (
        f"base volume '{base.partition(':')[2]}' is still in use by linked clones"
    )


async def test_names_that_no_volume_has_are_refused(bed: Bed) -> None:
    response = await bed.call("GET", f"{CONTENT}/nonsense")
    assert response.reason_phrase == "unable to parse directory volume name 'nonsense'"
    response = await bed.call("GET", f"{CONTENT}/other:iso/x.iso")
    assert "storage ID mismatch" in response.json()["errors"]["volume"]
    response = await bed.call("GET", f"{CONTENT}/local:9000/nope.qcow2")
    assert response.reason_phrase == "volume_size_info on 'local:9000/nope.qcow2' failed - no format"


async def test_an_uploaded_image_can_be_put_into_a_drive(bed: Bed) -> None:
    data = b"not really an image" * 1000
    response = await uploaded(bed, "tiny image.iso", data)
    assert await bed.finished(response.json()["data"]) == "OK"
    (row,) = await bed.get(CONTENT, content="iso")
    assert (row["volid"], row["format"], row["size"]) == ("local:iso/tiny_image.iso", "iso", len(data))
    vm = await bed.cloned(100)
    await bed.put(f"{vm}/config", ide0="local:iso/tiny_image.iso,media=cdrom")
    drive = (await bed.get(f"{vm}/config"))["ide0"]
    assert drive.startswith("local:iso/tiny_image.iso,media=cdrom")
    clone = await bed.cloned(101, source=100, full=1)
    assert (await bed.get(f"{clone}/config"))["ide0"] == drive


async def test_uploads_are_checked(bed: Bed) -> None:
    wrong = await uploaded(bed, "tiny.txt", b"x")
    assert wrong.json()["errors"] == {"filename": "wrong file extension"}
    held = await uploaded(bed, "tiny.qcow2", b"x", content="import")
    assert held.reason_phrase == "storage 'local' does not support 'import' content"
    sums = {"checksum-algorithm": "sha256", "checksum": "00"}
    response = await uploaded(bed, "tiny.iso", b"x", **sums)
    got = hashlib.sha256(b"x").hexdigest()
    assert await bed.finished(response.json()["data"]) == f"checksum mismatch: got '{got}' != expect '00'"
    assert await volids(bed, content="iso") == []


async def test_a_file_of_this_machine_is_really_downloaded(bed: Bed, tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nbytes")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x.iso"
    sums = {"checksum": hashlib.sha512(b"bytes").hexdigest(), "checksum-algorithm": "sha512"}
    async with server:
        wanted = {"url": url, "content": "iso", "filename": "x.iso", **sums}
        assert await bed.run("POST", f"{STORAGE}/download-url", **wanted) == "OK"
        assert (await bed.get(f"{CONTENT}/iso/x.iso"))["size"] == 5
        upid = await bed.post(f"{STORAGE}/download-url", **wanted)
        await bed.finished(upid)
    assert "OK, got correct file already, no need to download" in (await bed.log(upid))[1]


async def test_a_download_that_fails_says_what_wget_says(bed: Bed) -> None:
    port = free_port()
    ended = await bed.run(
        "POST", f"{STORAGE}/download-url", url=f"http://127.0.0.1:{port}/x.iso", content="iso", filename="x.iso"
    )
    assert ended == f"download failed: Connecting to 127.0.0.1:{port}... failed: Connection refused."


async def test_a_file_from_elsewhere_is_made_up(bed: Bed) -> None:
    wanted = {"url": "https://images.invalid/debian-12.img", "content": "iso", "filename": "debian-12.img"}
    assert await bed.run("POST", f"{STORAGE}/download-url", **wanted) == "OK"
    (row,) = await bed.get(CONTENT, content="iso")
    assert row["size"] > 1024**2
    again = await bed.run("POST", f"{STORAGE}/download-url", **wanted)
    assert again == "refusing to override existing file '/var/lib/vz/template/iso/debian-12.img'"


async def test_storages_are_listed_by_what_they_hold(bed: Bed) -> None:
    assert [row["storage"] for row in await bed.get(f"/nodes/{NODE}/storage", content="backup,import")] == ["local"]
    assert await bed.get(f"/nodes/{NODE}/storage", content="import") == []
    unknown = await bed.call("GET", f"/nodes/{NODE}/storage", {"storage": "nope"})
    assert unknown.json()["errors"] == {"storage": "No such storage."}


async def test_an_uploaded_disk_image_becomes_a_disk_of_its_own_size(bed: Bed) -> None:
    await bed.put("/storage/local", content="images,iso,import")
    data = b"QFI\xfb" + bytes(20) + (3 * 1024**3).to_bytes(8, "big") + b"the rest"
    response = await uploaded(bed, "cloud.qcow2", data, content="import")
    assert await bed.finished(response.json()["data"]) == "OK"
    (row,) = await bed.get(CONTENT, content="import")
    assert (row["volid"], row["format"], row["size"]) == ("local:import/cloud.qcow2", "qcow2", len(data))
    disk = "local:0,import-from=local:import/cloud.qcow2"
    assert await bed.run("POST", f"/nodes/{NODE}/qemu", vmid=300, scsi0=disk) == "OK"
    assert (await bed.get(f"/nodes/{NODE}/qemu/300/config"))["scsi0"] == "local:300/vm-300-disk-0.qcow2,size=3G"
