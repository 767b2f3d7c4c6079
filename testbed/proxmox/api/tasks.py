"""Tasks: lists, status, logs, and how to stop one (pve-manager API2/Tasks.pm)."""

from collections.abc import Iterable
from typing import Any

from testbed.proxmox.access.access import Identity
from testbed.proxmox.calls import Call, Page, everybody, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.cluster.tasks import UPID, Task
from testbed.proxmox.errors import parameter_errors
from testbed.proxmox.formats import each, split_list, task_status, vmid
from testbed.proxmox.schema import Param

START = Param("integer", minimum=0)
FILTERS = {
    "errors": Param("boolean"),
    "limit": START,
    "since": Param("integer"),
    "source": Param(enum=("archive", "active", "all")),
    "start": START,
    "statusfilter": Param(check=each(task_status), listed=True),
    "typefilter": Param(),
    "until": Param("integer"),
    "userfilter": Param(),
    "vmid": Param("integer", check=vmid),
}


def owned(task: Task, who: Identity) -> bool:
    """Whether a task is the caller's: a user's tokens belong to the user, but not the other way round."""
    return task.user == who.id or (who.token is None and task.user.partition("!")[0] == who.id)


def _identity(task: Task) -> Row:
    user, _, token = task.user.partition("!")
    return {"user": user, **({"tokenid": token} if token else {})}


def _row(task: Task) -> Row:
    row: Row = {
        "upid": task.upid,
        "node": task.node,
        "pid": task.pid,
        "pstart": task.pstart,
        "starttime": task.starttime,
        "type": task.type,
        "id": task.id,
    }
    return row


def _listed(task: Task) -> Row:
    if task.running:
        return _row(task) | {"user": task.user, "status": "RUNNING", "saved": "0"}
    return _row(task) | _identity(task) | {"endtime": task.endtime, "status": task.exitstatus}


def brief(task: Task) -> Row:
    """A task as the cluster's list shows it."""
    row = {key: value for key, value in _row(task).items() if key not in ("pid", "pstart")}
    row["user"] = task.user
    if task.running:
        return row | {"pid": task.pid}
    return row | {"endtime": task.endtime, "status": task.exitstatus, "saved": "1"}


@route("GET", "/nodes/{node}/tasks", everybody, FILTERS)
async def listing(call: Call) -> Page:
    """The node's tasks, newest first; finished ones only, unless `source` says otherwise."""
    audit = call.node.access.may(call.who, f"/nodes/{call.node.name}", "Sys.Audit")
    tasks = [task for task in _source(call) if (audit or owned(task, call.who)) and _wanted(call, task)]
    start, limit = call.number("start", 0), call.number("limit", 50)
    return Page([_listed(task) for task in tasks[start : start + limit]], len(tasks))


def _source(call: Call) -> Iterable[Task]:
    source = call.values.get("source", "archive")
    active = call.node.tasks.active() if source in ("active", "all") else []
    archive = call.node.tasks.archive() if source in ("archive", "all") else []
    return [*active, *archive]


def _wanted(call: Call, task: Task) -> bool:
    values = call.values
    return (
        task.id == values.get("vmid", task.id)
        and task.type == values.get("typefilter", task.type)
        and values.get("userfilter", "").lower() in task.user.lower()
        and int(values.get("since", 0)) <= task.starttime <= int(values.get("until", task.starttime))
        and (not call.flag("errors") or task.failed)
        and _status_wanted(values.get("statusfilter"), task)
    )


def _status_wanted(wanted: str | None, task: Task) -> bool:
    if wanted is None:
        return True
    status = "ok" if task.exitstatus == "OK" else "warning" if task.warned else "error"
    return ("unknown" if task.running else status) in split_list(wanted.lower())


def _find(call: Call, privilege: str) -> Task:
    task = call.node.tasks.find(call.values["upid"])
    if not owned(task, call.who):
        call.check(f"/nodes/{call.node.name}", privilege)
    return task


@route("GET", "/nodes/{node}/tasks/{upid}/status", everybody, protected=True)
async def status(call: Call) -> Row:
    """Whether it runs, and how it ended."""
    task = _find(call, "Sys.Audit")
    row = _row(task) | _identity(task) | {"status": "running" if task.running else "stopped"}
    return row if task.running else row | {"exitstatus": task.exitstatus}


LOG = {"start": START, "limit": START, "download": Param("boolean")}


@route("GET", "/nodes/{node}/tasks/{upid}/log", everybody, LOG, protected=True)
async def log(call: Call) -> Page:
    """Lines of the log, numbered from 1."""
    upid = call.values["upid"]
    if not UPID.fullmatch(upid):
        raise parameter_errors({"upid": "unable to parse worker upid"})
    lines = call.node.tasks.log(upid)
    if lines is None:
        return Page({"n": 1, "t": "unable to open file - No such file or directory"}, 1)
    _find(call, "Sys.Audit")
    start, limit = call.number("start", 0), call.number("limit", 50)
    numbered: list[dict[str, Any]] = [{"n": n, "t": text} for n, text in enumerate(lines, 1)]
    shown = numbered[start : start + limit] if limit else numbered[start:]
    return Page(shown or [{"n": 1, "t": "no content"}], len(lines))


@route("DELETE", "/nodes/{node}/tasks/{upid}", everybody, protected=True)
async def stop(call: Call) -> None:
    """End a task; it cleans up behind itself."""
    _find(call, "Sys.Modify")
    await call.node.tasks.stop(call.values["upid"])


@route("GET", "/nodes/{node}/tasks/{upid}", everybody)
async def index(_call: Call) -> list[Row]:
    """What can be asked about a task."""
    return [{"name": "log"}, {"name": "status"}]
