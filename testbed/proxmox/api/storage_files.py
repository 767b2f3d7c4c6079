"""Bringing files onto a storage: uploads and downloads (pve-storage API2/Storage/Status.pm)."""

import asyncio
import ipaddress
import urllib.error
import urllib.request
import zlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from testbed.proxmox.access.access import Access, Identity
from testbed.proxmox.calls import Call, perm, route
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die
from testbed.proxmox.http.uploads import DIRECTORY
from testbed.proxmox.schema import Param
from testbed.proxmox.storage import contents, files
from testbed.proxmox.storage.storage import Storage

KINDS = ("iso", "vztmpl", "import")
CHECKSUM = {
    "checksum": Param(requires="checksum-algorithm"),
    "checksum-algorithm": Param(enum=files.ALGORITHMS, requires="checksum"),
}
FILE = {
    "content": Param(optional=False, enum=KINDS),
    "filename": Param(optional=False, max_length=255),
    **CHECKSUM,
}
UPLOAD = {**FILE, "tmpfilename": Param(pattern=r"/var/tmp/pveupload-[0-9a-f]+")}


def _target(call: Call) -> str:
    """The name that the file will have; raises for one that does not fit its content."""
    name = contents.normal_filename(call.values["filename"])
    contents.check_uploaded(call.values["content"], name)
    return f"{call.values['content']}/{name}"


def _path(storage: Storage, name: str) -> str:
    return f"{storage.path}/{contents.place(name)}"


# Uploads


@route(
    "POST",
    "/nodes/{node}/storage/{storage}/upload",
    perm("/storage/{storage}", "Datastore.AllocateTemplate"),
    UPLOAD,
    protected=True,
)
async def upload(call: Call) -> str:
    """Take over the file that came with the request, in a task."""
    storage = call.cluster.storages.check_enabled(call.values["storage"], call.node.name)
    if not storage.plugin.files:
        raise Die(f"can't upload to storage type '{storage.type}'")
    if "tmpfilename" not in call.values:
        raise Die("missing temporary file name")
    source = DIRECTORY / Path(call.values["tmpfilename"]).name
    if not _exists(source):
        raise Die(f"temporary file '{source}' does not exist")
    name = _target(call)
    if call.values["content"] not in storage.content:
        raise Die(f"storage '{storage.name}' does not support '{call.values['content']}' content")
    return call.node.tasks.start(
        "imgcopy", "", call.who.id, lambda worker: _import(call, worker, storage, name, source)
    )


async def _import(call: Call, worker: Worker, storage: Storage, name: str, source: Path) -> None:
    worker.say(f"starting file import from: {source}")
    try:
        await _verify(call, worker, source)
        target = _path(storage, name)
        volume = await files.bring(call.node, storage, name, source)
    finally:
        _discard(source)
    for text in (f"target node: {call.node.name}", f"target file: {target}", f"file size is: {volume.size}"):
        worker.say(text)
    worker.say(f"command: cp -- {source} {target}")
    worker.say("finished file import successfully")


def _exists(path: Path) -> bool:
    return path.exists()


def _discard(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _verify(call: Call, worker: Worker, path: Path) -> None:
    if "checksum" not in call.values:
        return
    got = await files.digest(path, call.values["checksum-algorithm"])
    wanted = call.values["checksum"]
    if got.lower() != wanted.lower():
        worker.say("calculating checksum...")
        raise Die(f"checksum mismatch: got '{got}' != expect '{wanted}'")
    worker.say("calculating checksum...OK, checksum verified")


# Downloads

#: The size of a file that is not really fetched.
MADE_UP = 300 * 1024**2
TIMEOUT_SECONDS = 30
DOWNLOAD = {
    **FILE,
    "url": Param(optional=False, pattern=r"https?://.*"),
    "compression": Param(enum=("gz", "lzo", "zst", "bz2")),
    "verify-certificates": Param("boolean"),
}


def _may_download(access: Access, who: Identity, values: Mapping[str, str]) -> None:
    access.check(who, f"/storage/{values['storage']}", "Datastore.AllocateTemplate")
    if not (access.may(who, "/", "Sys.Audit") and access.may(who, "/", "Sys.Modify")):
        access.check(who, f"/nodes/{values['node']}", "Sys.AccessNetwork")


@route("POST", "/nodes/{node}/storage/{storage}/download-url", _may_download, DOWNLOAD, protected=True)
async def download(call: Call) -> str:
    """Fetch a file in a task: really from this machine, else one of made-up size."""
    storage = call.cluster.storages.check_enabled(call.values["storage"], call.node.name)
    content = call.values["content"]
    if not storage.plugin.files:
        raise Die(f"can't upload to storage type '{storage.type}', not a file based storage!")
    if content not in storage.content:
        raise Die(f"storage '{storage.name}' is not configured for content-type '{content}'")
    name = _target(call)
    identifier = contents.normal_filename(call.values["filename"])
    return call.node.tasks.start(
        "download", identifier, call.who.id, lambda worker: _fetch(call, worker, storage, name)
    )


async def _fetch(call: Call, worker: Worker, storage: Storage, name: str) -> None:
    if "compression" in call.values and call.values["content"] != "iso":
        raise Die(f"decompression not supported for {call.values['content']}")
    url, target = call.values["url"], _path(storage, name)
    worker.say(f"downloading {url} to {target}")
    if await _there_already(call, worker, storage, name, target):
        return
    if _on_this_machine(url):
        await _fetch_really(call, worker, storage, name)
    else:
        files.add(call.node, storage, name, MADE_UP + zlib.crc32(url.encode()) % MADE_UP)
    worker.say(f"download of '{url}' to '{target}' finished")


async def _there_already(call: Call, worker: Worker, storage: Storage, name: str, target: str) -> bool:
    old = files.find(call.node, storage, name)
    if old is None:
        return False
    path, wanted = files.real_path(call.node, old), call.values.get("checksum")
    if wanted is None:
        raise Die(f"refusing to override existing file '{target}'")
    got = await files.digest(path, call.values["checksum-algorithm"]) if _exists(path) else wanted
    if got.lower() != wanted.lower():
        worker.say("calculating checksum of existing file...")
        raise Die(f"checksum mismatch: got '{got}' != expect '{wanted}', aborting")
    worker.say("calculating checksum of existing file...OK, got correct file already, no need to download")
    return True


def _on_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _fetch_really(call: Call, worker: Worker, storage: Storage, name: str) -> None:
    path = call.cluster.directory / f"download.{worker.task.pid}"
    try:
        await asyncio.to_thread(_save, call.values["url"], path)
        await _verify(call, worker, path)
        await files.bring(call.node, storage, name, path)
    except OSError as error:
        raise Die(f"download failed: {_last_words(call.values['url'], error)}") from None
    finally:
        _discard(path)


def _last_words(url: str, error: OSError) -> str:
    """The last line that wget writes when it fails; after a server's refusal it is an empty one, and only the exit code
    is told.
    """
    if isinstance(error, urllib.error.HTTPError):
        return "exit code 8"
    reason = getattr(error, "reason", error)
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    said = getattr(reason, "strerror", None) or str(reason)
    return f"Connecting to {place}... failed: {said}."


def _save(url: str, path: Path) -> None:
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer, path.open("wb") as file:
        while chunk := answer.read(1024**2):
            file.write(chunk)
