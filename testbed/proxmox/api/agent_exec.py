"""Programs and passwords in the guest (qemu-server API2/Qemu/Agent.pm exec, exec-status, set-user-password)."""

from testbed.proxmox.api.agent import PATH, answering, ask_or_die, decoded, encoded, needs
from testbed.proxmox.calls import Call, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import Die
from testbed.proxmox.schema import BETWEEN_ITEMS, Param

EXEC = {"command": Param("array", optional=False), "input-data": Param(max_length=64 * 1024)}


@route("POST", PATH + "/exec", needs(), EXEC, protected=True)
async def execute(call: Call) -> Row:
    """Start a program; its process id."""
    path, *words = call.values["command"].split(BETWEEN_ITEMS)
    arguments: Row = {"capture-output": True, "path": path, "arg": words}
    if "input-data" in call.values:
        arguments["input-data"] = encoded(call.values["input-data"])
    elif not call.values["command"]:
        raise Die("command or input-data (or both) required")
    vm = await answering(call)
    started: Row = await ask_or_die(call, vm, "guest-exec", "can't execute command", **arguments)
    return started


@route("GET", PATH + "/exec-status", needs(), {"pid": Param("integer", optional=False)}, protected=True)
async def execution(call: Call) -> Row:
    """How a program is getting on, or how it ended; the latter is told once."""
    pid = call.number("pid", 0)
    vm = await answering(call)
    status = await ask_or_die(call, vm, "guest-exec-status", f"can't get exec status for '{pid}'", pid=pid)
    shown = {key: int(value) if isinstance(value, bool) else value for key, value in status.items()}
    return shown | {key: decoded(status[key]) for key in ("out-data", "err-data") if key in status}


PASSWORD = {
    "username": Param(optional=False),
    "password": Param(optional=False, min_length=5, max_length=1024),
    "crypted": Param("boolean"),
}


@route("POST", PATH + "/set-user-password", needs(), PASSWORD, protected=True)
async def set_password(call: Call) -> Row:
    """Set the password of a user of the guest."""
    arguments = {"username": call.values["username"], "password": encoded(call.values["password"])}
    vm = await answering(call)
    result = await ask_or_die(
        call, vm, "guest-set-user-password", "cannot set user password", crypted=call.flag("crypted"), **arguments
    )
    return {"result": result}
