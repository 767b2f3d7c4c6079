"""Files in the guest (qemu-server API2/Qemu/Agent.pm file-read, file-write)."""

from testbed.proxmox.api.agent import PATH, answering, ask, ask_or_die, decoded, encoded, needs
from testbed.proxmox.calls import Call, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.schema import Param

MAX_READ = 16 * 1024**2
READ_AT_ONCE = 1024**2
READ = {
    "file": Param(optional=False),
    "count": Param("integer", minimum=1, maximum=MAX_READ, since="9"),
    "decode": Param("boolean", since="9"),
    "offset": Param("integer", minimum=0, since="9"),
}


@route("GET", PATH + "/file-read", needs("FileRead"), READ, protected=True)
async def read_file(call: Call) -> Row:
    """A file's contents, of 16 MiB at most; release 8 always gives all of it."""
    vm = await answering(call)
    handle = await ask_or_die(call, vm, "guest-file-open", "can't open file", path=call.values["file"])
    if offset := call.number("offset", 0):
        place = {"handle": handle, "offset": offset, "whence": "set"}
        await ask_or_die(call, vm, "guest-file-seek", "can't seek to offset position", **place)
    wanted, content, taken, ended = call.number("count", MAX_READ), "", 0, False
    while taken < wanted and not ended:
        size = min(wanted - taken, READ_AT_ONCE) if "count" in call.values else READ_AT_ONCE
        part = await ask_or_die(call, vm, "guest-file-read", "can't read from file", handle=handle, count=size)
        content += decoded(part["buf-b64"]) if call.flag("decode", default=True) else part["buf-b64"]
        taken, ended = taken + part["count"], part["eof"]
    await ask(call.node, vm, "guest-file-close", handle=handle)
    return {"content": content, "bytes-read": taken, **({} if ended else {"truncated": 1})}


WRITE = {
    "file": Param(optional=False),
    "content": Param(optional=False, max_length=60 * 1024),
    "encode": Param("boolean"),
}


@route("POST", PATH + "/file-write", needs("FileWrite"), WRITE, protected=True)
async def write_file(call: Call) -> None:
    """Write a file anew."""
    content = call.values["content"]
    data = encoded(content) if call.flag("encode", default=True) else content
    vm = await answering(call)
    path = call.values["file"]
    handle = await ask_or_die(call, vm, "guest-file-open", "can't open file", path=path, mode="wb")
    vm = await answering(call)
    await ask_or_die(call, vm, "guest-file-write", "can't write to file", handle=handle, **{"buf-b64": data})
    vm = await answering(call)
    await ask_or_die(call, vm, "guest-file-close", "can't close file", handle=handle)
